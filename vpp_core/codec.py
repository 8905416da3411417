"""Messages to bytes and back: typed, validated JSON (msgspec)."""

from typing import Any, TypeVar

import msgspec

from vpp_core.messages import MESSAGES

Message = TypeVar("Message", bound=msgspec.Struct)

PAYLOAD_BYTES_MAX = 256 * 1024
"""Largest payload that either side reads; below the packet limit of every broker we name."""


class MalformedMessage(ValueError):
    """A payload that is not the message that its topic announces; the text names the field."""


_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {
    message: msgspec.json.Decoder(message) for message in MESSAGES.values()
}


def encode(message: msgspec.Struct) -> bytes:
    return _encoder.encode(message)


def decode(payload: bytes, kind: type[Message]) -> Message:
    """The message in a payload.

    Raises:
        MalformedMessage: too large, not JSON, a field missing or of the wrong type, a broken rule
            (an interval that ends before it starts), or a contract version that we do not know.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise MalformedMessage(f"{len(payload)} bytes; the limit is {PAYLOAD_BYTES_MAX}")
    decoder = _decoders.get(kind) or msgspec.json.Decoder(kind)
    try:
        message = decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(f"{kind.__name__}: {error}") from error
    if (version := getattr(message, "v", 1)) != 1:
        raise MalformedMessage(f"{kind.__name__}: contract version {version} is not known here")
    return message  # type: ignore[no-any-return]
