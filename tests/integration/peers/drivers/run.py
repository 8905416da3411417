"""Lets a test work with a third-party client that lives in another environment.

``python run.py MODULE`` makes the ``Peer`` of the module beside it and then takes one JSON command a line:
``{"call": "read", "with": {...}}`` is answered by ``{"result": ...}``, or by ``{"error": "..."}`` with what
the client raised. What a client prints goes to standard error.
"""

import asyncio
import importlib
import inspect
import json
import os
import sys
from typing import Any, TextIO


async def _answer(peer: Any, command: dict[str, Any]) -> dict[str, Any]:
    try:
        result = getattr(peer, command["call"])(**command["with"])
        if inspect.isawaitable(result):
            result = await result
    except Exception as error:  # noqa: BLE001 - whatever a client raises is an answer
        return {"error": f"{type(error).__name__}: {error}"}
    return {"result": result}


async def _serve(peer: Any, answers: TextIO) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await _answer(peer, json.loads(line))), file=answers, flush=True)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    module = importlib.import_module(sys.argv[1])
    asyncio.run(_serve(module.Peer(), answers))


if __name__ == "__main__":
    main()
