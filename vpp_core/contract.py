"""The contract as JSON Schema. ``python -m vpp_core.contract DIRECTORY`` is what `make schemas` runs."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from vpp_core.messages import MESSAGES


def schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema (2020-12) a message, by topic kind."""
    return {kind: json.loads(json.dumps(msgspec.json.schema(message))) for kind, message in MESSAGES.items()}


def main(arguments: list[str]) -> int:
    match arguments:
        case [directory]:
            target = Path(directory)
        case _:
            sys.stderr.write("usage: python -m vpp_core.contract DIRECTORY\n")
            return 2
    target.mkdir(parents=True, exist_ok=True)
    for kind, schema in schemas().items():
        text = json.dumps(schema, indent=2, sort_keys=True) + "\n"
        (target / f"{kind}.v1.schema.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
