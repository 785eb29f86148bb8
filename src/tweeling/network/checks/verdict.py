"""EPANET's own verdict, beside ours: it reads a copy of the file in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

from tweeling.errors import NetworkFileError
from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.inp.judge import ask, safe_copy
from tweeling.network.inp.sections import split_sections
from tweeling.network.inp.trouble import refused


@check(
    Severity.ERROR,
    why="Neither EPANET nor Tweeling can compute this file as it is.",
    advice="Correct the other errors of this list first; where there are none, look at the line that EPANET names.",
)
def refused_by_epanet(model: RawModel) -> Iterator[Place]:
    """The first complaint of EPANET when it opens the file, with its code."""
    sections = split_sections(model.text)
    try:
        answer = ask(safe_copy(model.text, sections, model.encoding), model.encoding, "it", "SOURCES" in sections)
    except NetworkFileError as error:
        yield Place(f"EPANET does not get through this file: {error}")
        return
    if answer.refusal is not None:
        problems = refused("it", answer.refusal, answer.header["report"], model.text, sections).problems
        yield Place(f"EPANET refuses the file: {(problems or (answer.refusal,))[0]}")
