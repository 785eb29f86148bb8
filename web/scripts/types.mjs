// Writes src/service/schema.ts from openapi.json; with --check only says whether it is as it should be.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../openapi.json", import.meta.url);
const target = new URL("../src/service/schema.ts", import.meta.url);
const head = "// Made by `make types` from openapi.json, which the service writes. Do not edit.\n\n";
const made = head + astToString(await openapiTS(source));

if (process.argv.includes("--check")) {
  const kept = await readFile(target, "utf8").catch(() => "");
  if (kept !== made) {
    console.error("web/src/service/schema.ts is not what openapi.json says: run `make types` and commit it");
    process.exit(1);
  }
} else {
  await writeFile(target, made);
}
