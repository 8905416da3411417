"""Find the SunSpec map of a unit: where it begins, which models it has, who made it."""

from collections.abc import Sequence

import msgspec

from edge_agent.devices.link import REGISTERS_MAX, Link, RegisterRefused
from edge_agent.devices.plan import HEADER_REGISTERS, plan_of
from vpp_core.faults import DeviceFault

BASE_ADDRESSES = (40_000, 0, 50_000)
"""Where a map may begin; SunSpec Device Information Model Specification."""

_MARKER = b"SunS"
_MARKER_REGISTERS = 2
_COMMON = 1
_END = 0xFFFF
_MODELS_MAX = 100
_ADDRESS_MAX = 0xFFFF
_TEXT_REGISTERS_MAX = 16


class NotSunSpec(DeviceFault):
    """The unit answers, and has no SunSpec map."""

    code = "device.not_sunspec"


class ModelLocation(msgspec.Struct, frozen=True):
    """One model in the map."""

    model_id: int
    address: int
    """Of its ID register."""
    registers: int
    """With ID and length."""


class DeviceMap(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan has found. Texts are empty where the device leaves them empty."""

    base_address: int
    models: tuple[ModelLocation, ...]
    manufacturer: str
    model: str
    version: str
    serial: str

    @property
    def model_ids(self) -> frozenset[int]:
        return frozenset(location.model_id for location in self.models)


async def scan(link: Link, unit: int, base_addresses: Sequence[int] = BASE_ADDRESSES) -> DeviceMap:
    """Walk the map from model to model in blocks as large as the device gives them.

    Raises:
        NotSunSpec: an answer, but no SunSpec map at any base.
        DeviceFault: no answer, or a map without a proper end.
    """
    window, base_address = await _find_base(link, unit, base_addresses)
    address = base_address + _MARKER_REGISTERS
    models: list[ModelLocation] = []
    while len(models) < _MODELS_MAX and address + HEADER_REGISTERS <= _ADDRESS_MAX:
        header = await window.read(address, HEADER_REGISTERS)
        model_id, length = int.from_bytes(header[:2]), int.from_bytes(header[2:])
        if model_id == _END:
            return await _identify(window, base_address, models)
        models.append(ModelLocation(model_id, address, HEADER_REGISTERS + length))
        if len(models) == 1 and model_id != _COMMON:
            break
        address += HEADER_REGISTERS + length
    raise DeviceFault(
        f"{link} unit {unit} begins like a SunSpec device, but its list of models is broken after "
        f"{len(models)} models"
    )


async def _find_base(link: Link, unit: int, base_addresses: Sequence[int]) -> tuple["_Window", int]:
    refusal: RegisterRefused | None = None
    for base_address in base_addresses:
        window = _Window(link, unit)
        try:
            if await window.read(base_address, _MARKER_REGISTERS) == _MARKER:
                return window, base_address
        except RegisterRefused as refused:
            refusal = refusal or refused
    bases = ", ".join(str(address) for address in base_addresses)
    raise NotSunSpec(
        f"{link} unit {unit} answers, but is no SunSpec device: none of the registers {bases} "
        f"holds 'SunS'; check the unit id and whether SunSpec is switched on in the device"
    ) from refusal


async def _identify(window: "_Window", base_address: int, models: list[ModelLocation]) -> DeviceMap:
    if not models:
        raise DeviceFault(f"{window.link} unit {window.unit} has an empty SunSpec map")
    common = models[0]
    plan = plan_of(_COMMON, common.registers)
    if plan is None or plan.registers > REGISTERS_MAX:
        raise DeviceFault(f"{window.link} unit {window.unit} has a common model that cannot be read")
    registers = bytearray()
    while len(registers) < 2 * plan.registers:
        done = len(registers) // 2
        count = min(plan.registers - done, _TEXT_REGISTERS_MAX)
        registers += await window.read(common.address + done, count)
    texts = plan.decode_named(bytes(registers))
    return DeviceMap(
        base_address=base_address,
        models=tuple(models),
        manufacturer=str(texts.get("Mn") or ""),
        model=str(texts.get("Md") or ""),
        version=str(texts.get("Vr") or ""),
        serial=str(texts.get("SN") or ""),
    )


class _Window:
    """Registers by address, fetched in large blocks.

    A device refuses a block that is too large for it or reaches beyond the end of its map: from then on
    only what is needed is read.
    """

    def __init__(self, link: Link, unit: int) -> None:
        self.link = link
        self.unit = unit
        self._block_registers = REGISTERS_MAX
        self._blocks: dict[int, bytes] = {}

    async def read(self, address: int, count: int) -> bytes:
        for start, block in self._blocks.items():
            if start <= address and 2 * (address + count - start) <= len(block):
                return block[2 * (address - start) : 2 * (address + count - start)]
        size = min(max(count, self._block_registers), _ADDRESS_MAX + 1 - address)
        try:
            block = await self.link.read(self.unit, address, size)
        except RegisterRefused:
            if size == count:
                raise
            self._block_registers = HEADER_REGISTERS
            block = await self.link.read(self.unit, address, count)
        self._blocks[address] = block
        return block[: 2 * count]
