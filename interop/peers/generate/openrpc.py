"""Checks an OpenRPC document by the official meta schema: the document comes from standard input."""

import json
import pathlib
import re
import sys

import jsonschema

folder = pathlib.Path(__file__).parent / "node_modules/@open-rpc/meta-schema"
text = (folder / "index.js").read_text()
meta = json.loads(re.search(r"exports\.openrpcDocument = (\{.*\});", text, re.DOTALL)[1])


def local(schema):
    """Leaves the schemas of types to the meta schema of JSON Schema."""
    if isinstance(schema, dict):
        if "meta.json-schema.tools" in schema.get("$ref", ""):
            return True
        return {name: local(value) for name, value in schema.items() if name != "$schema"}
    if isinstance(schema, list):
        return [local(value) for value in schema]
    return schema


document = json.load(sys.stdin)
meta = local(meta)
meta["definitions"]["JSONSchema"] = True
jsonschema.Draft7Validator(meta).validate(document)
for method in document["methods"]:
    names = [param["name"] for param in method["params"]]
    assert len(names) == len(set(names)), names
    required = [param["required"] for param in method["params"]]
    assert required == sorted(required, reverse=True), required
    for part in [*method["params"], method["result"]]:
        jsonschema.Draft202012Validator.check_schema(part["schema"])
        jsonschema.Draft7Validator.check_schema(part["schema"])
print(len(document["methods"]))
