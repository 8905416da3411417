"""A register map in memory, as a link: what the drivers are tested against besides the simulators."""

import struct
from collections.abc import Callable, Mapping

from edge_agent.devices.link import RegisterRefused
from edge_agent.devices.plan import plan_of
from vpp_core.faults import DeviceFault

BASE = 40_000
UNIT = 7

Values = Mapping[str, float | str]
Map = dict[int, Values]

COMMON: Values = {"Mn": "Acme", "Md": "Box", "Vr": "1.2", "SN": "0001"}
MEASUREMENT: Values = {
    "W_SF": 0,
    "Var_SF": 0,
    "V_SF": -1,
    "Hz_SF": -3,
    "TotWh_SF": 0,
    "W": 1_500,
    "Var": -20,
    "LNV": 2_400,
    "LLV": 4_160,
    "Hz": 59_980,
    "TotWhInj": 123_456,
    "TotWhAbs": 654_321,
}
CAPACITY: Values = {
    "W_SF": 0,
    "VA_SF": 0,
    "V_SF": 0,
    "WMaxRtg": 5_000,
    "WDisChaRteMaxRtg": 5_000,
    "WChaRteMaxRtg": 4_000,
    "VAMaxRtg": 5_000,
    "VNomRtg": 240,
}
CONTROL: Values = {
    "WSet_SF": 0,
    "WMaxLimPct_SF": -2,
    "WSetEna": 0,
    "WSetMod": 0,
    "WSet": 0,
    "WSetEnaRvrt": 1,
    "WSetRvrtTms": 0,
    "WSetRvrtRem": 0,
    "WMaxLimPctEna": 0,
    "WMaxLimPct": 10_000,
    "WMaxLimPctEnaRvrt": 1,
    "WMaxLimPctRvrtTms": 0,
    "WMaxLimPctRvrtRem": 0,
}
STORAGE: Values = {"WH_SF": 0, "Pct_SF": -1, "WHRtg": 13_500, "WHAvail": 6_000, "SoC": 444}

METER: Map = {1: COMMON, 701: MEASUREMENT}
PV: Map = {**METER, 702: {**CAPACITY, "WChaRteMaxRtg": 0}, 704: CONTROL}
BATTERY: Map = {**METER, 702: CAPACITY, 704: CONTROL, 713: STORAGE}
EVSE: Map = {**METER, 702: {**CAPACITY, "WMaxRtg": 0, "WDisChaRteMaxRtg": 0}, 704: CONTROL, 713: STORAGE}

_CODES = {
    "int16": "h",
    "sunssf": "h",
    "int32": "i",
    "int64": "q",
    "uint32": "I",
    "bitfield32": "I",
    "enum32": "I",
    "acc32": "I",
    "uint64": "Q",
    "acc64": "Q",
    "float32": "f",
}
_ABSENT = {"h": -0x8000, "i": -0x8000_0000, "q": -(2**63), "H": 0xFFFF, "I": 2**32 - 1, "Q": 2**64 - 1}


class FakeDevice:
    """One unit on an in-memory link; values are raw registers, before any scale factor.

    ``block_max`` is the largest read that it serves, ``gate`` is called before every request and may
    raise, ``ignored`` registers acknowledge writes and do nothing.
    """

    def __init__(self, models: Map = BATTERY, base: int = BASE) -> None:
        self.base = base
        self.block_max = 125
        self.strict_end = True
        self.requests: list[tuple[str, int, int]] = []
        self.gate: Callable[[str, int], None] = lambda _kind, _address: None
        self.ignored: set[int] = set()
        self.places: dict[int, int] = {}
        self.lay_out(models)

    def __str__(self) -> str:
        return "fake:1"

    def lay_out(self, models: Map, gap: int = 0) -> None:
        """Put the models one behind the other; ``gap`` registers of a vendor model come first."""
        image = bytearray(b"SunS")
        if gap:
            common = models[1]
            models = {1: common, 64_001: {}, **{k: v for k, v in models.items() if k != 1}}
        for model_id, values in models.items():
            self.places[model_id] = self.base + len(image) // 2
            image += _vendor(gap) if model_id == 64_001 else _model(model_id, values)
        self.image = image + b"\xff\xff\x00\x00"

    def address(self, point: str) -> int:
        model, _, name = point.partition(".")
        plan = plan_of(int(model), 0xFFFF)
        assert plan is not None
        return self.places[int(model)] + plan.points[name].offset

    def put(self, point: str, raw: float) -> None:
        code = _code(point)
        start = 2 * (self.address(point) - self.base)
        self.image[start : start + struct.calcsize(code)] = struct.pack(f">{code}", raw)

    def get(self, point: str) -> float:
        start = 2 * (self.address(point) - self.base)
        value: float = struct.unpack_from(f">{_code(point)}", self.image, start)[0]
        return value

    async def read(self, unit: int, address: int, count: int) -> bytes:
        self._admit("read", unit, address, count)
        start = 2 * (address - self.base)
        return bytes(self.image[start : start + 2 * count])

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        self._admit("write", unit, address, len(registers) // 2)
        if address not in self.ignored:
            start = 2 * (address - self.base)
            self.image[start : start + len(registers)] = registers

    async def close(self) -> None:
        """Nothing is open."""

    def _admit(self, kind: str, unit: int, address: int, count: int) -> None:
        self.requests.append((kind, address, count))
        self.gate(kind, address)
        if unit != UNIT:
            raise DeviceFault(f"{self} unit {unit} does not answer")
        inside = self.base <= address and address + count <= self.base + len(self.image) // 2
        if not inside or count > self.block_max:
            raise RegisterRefused(f"{self} unit {unit} has no such register")

    @property
    def writes(self) -> list[int]:
        return [address for kind, address, _ in self.requests if kind == "write"]


def _model(model_id: int, values: Values) -> bytes:
    plan = plan_of(model_id, 0xFFFF)
    assert plan is not None
    content = bytearray()
    header = {"ID": model_id, "L": plan.registers - 2}
    for name, point in plan.points.items():
        value = {**values, **header}.get(name)
        if point.type == "string":
            content += str(value or "").encode().ljust(2 * point.size, b"\0")
            continue
        code = _CODES.get(point.type, "H")
        content += struct.pack(f">{code}", _ABSENT.get(code, 0) if value is None else value)
    return bytes(content)


def _vendor(gap: int) -> bytes:
    return struct.pack(">HH", 64_001, gap - 2) + bytes(2 * (gap - 2))


def _code(point: str) -> str:
    model, _, name = point.partition(".")
    plan = plan_of(int(model), 0xFFFF)
    assert plan is not None
    return _CODES.get(plan.points[name].type, "H")
