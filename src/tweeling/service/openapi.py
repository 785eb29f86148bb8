"""The schema without a twin: `python -m tweeling.service.openapi > web/openapi.json`; the page's types come from it."""

from __future__ import annotations

import json
import sys

from tweeling.service.app import bare_app


def schema_text() -> str:
    """The OpenAPI document as it is committed: sorted and indented, so that a change shows as one."""
    document = bare_app().openapi()
    document["info"]["version"] = "0"  # a new version of the program is no new schema
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
