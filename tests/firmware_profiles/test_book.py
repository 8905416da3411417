"""Profiles: what is shipped, what a wrong file is told, and which profile fits a device."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import firmware_profiles
from edge_agent.commissioning.lint import findings
from firmware_profiles import Profile, ProfileBook, load_profiles, profile_schema
from firmware_profiles.profile import Match, Tier
from firmware_profiles.versions import in_range, is_range
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault

SHIPPED = Path(firmware_profiles.__file__).parent / "profiles"
SILVER = {
    "franklinwh-battery",
    "fronius-battery",
    "fronius-pv",
    "generic-modbus-meter-sdm630",
    "generic-sunspec-1xx-battery",
    "generic-sunspec-1xx-pv",
    "generic-sunspec-7xx-battery",
    "generic-sunspec-7xx-evse",
    "generic-sunspec-7xx-pv",
    "kaco-pv",
    "keba-p30",
    "sma-pv",
    "sunspec-meter",
    "sunspec-meter-2xx",
}
BRONZE = {"enovates-eno", "solaredge-meter", "solaredge-pv", "sungrow-sh", "victron-vebus"}
PV_IDS = frozenset({1, 701, 702, 704})


def test_what_is_shipped_is_what_is_tested_and_says_so() -> None:
    profiles = list(load_profiles())
    assert {profile.name for profile in profiles} == SILVER | BRONZE
    for profile in profiles:
        tested = profile.name in SILVER
        assert profile.tier is (Tier.SILVER if tested else Tier.BRONZE)
        assert ("simulated" in profile.tested_with) is tested
        assert (profile.tested_with == "nothing") is not tested


def test_every_command_ends_with_what_puts_it_in_force() -> None:
    for profile in load_profiles():
        if (control := profile.control) is None:
            continue
        points = [step.point for step in control.command]
        if control.enable in points:
            assert points[-1] == control.enable, profile.name


def test_a_timer_that_nobody_has_seen_is_not_called_seen() -> None:
    for profile in load_profiles():
        control = profile.control
        if control and profile.tier is Tier.BRONZE:
            assert control.reversion.measured == "", profile.name


@pytest.mark.parametrize("profile", list(load_profiles()), ids=lambda profile: profile.name)
def test_every_shipped_profile_is_sound(profile: Profile) -> None:
    assert list(findings(profile)) == []


def test_the_published_schema_is_the_form_that_is_loaded() -> None:
    published = Path(firmware_profiles.__file__).parent / "profile.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json.loads(json.dumps(profile_schema())), (
        "run: vpp-commission profile schema > firmware_profiles/profile.schema.json"
    )


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def without_models(text: str) -> str:
    return replaced("models = [1, 701, 702, 704, 713]", "models = []")(text)


def registers(rows: str) -> Callable[[str], str]:
    return replaced("[readings.power_w]", f"[registers]\n{rows}\n[readings.power_w]")


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "unknown-field": (replaced("[match]", "colour = 3\n[match]"), "unknown field `colour`"),
    "missing-field": (replaced('kind = "battery"\n', ""), "missing required field `kind`"),
    "unknown-kind": (replaced('kind = "battery"', 'kind = "toaster"'), r"at `\$.kind`"),
    "no-point": (replaced('"704.WSet"', '"WSet"'), r"\$.control"),
    "empty-recipe": (replaced("release = [{", "release = []\nunused = [{"), "release|unused"),
    "blocks-too-large": (
        replaced("[readings.power_w]", "[access]\nblock_registers_max = 126\n[readings.power_w]"),
        r"<= 125 - at `\$.access.block_registers_max`",
    ),
    "timer-that-is-none": (
        replaced('timer = "704.WSetRvrtTms"\n', ""),
        "disagree about whether there is a timer",
    ),
    "flash-without-budget": (
        replaced('kind = "ram"', 'kind = "unknown"'),
        "write_interval_s_min must be at least 60",
    ),
    "timer-range-empty": (replaced("timer_s_min = 1", "timer_s_min = 90000"), "timer_s_min lies above"),
    "setpoint-never-written": (
        replaced('set = "setpoint"', "set = 1"),
        "no step of command writes the setpoint 704.WSet",
    ),
    "nothing-to-read": (without_models, "nothing can be read"),
    "no-range-of-versions": (replaced("[match]", '[match]\nfirmware = "new"'), r"\$.match.firmware"),
    "probe-beside-models": (
        replaced("[match]", '[match]\nprobes = [{ register = "a", values = [1] }]'),
        "without SunSpec models",
    ),
    "probe-for-nothing": (
        replaced("[match]", '[match]\nprobes = [{ register = "a" }]'),
        "has values, or a range",
    ),
    "identity-beside-models": (
        replaced("[match]", '[identity]\nmanufacturer = "A"\nmodel = "B"\n[match]'),
        "identity is for devices without",
    ),
    "register-of-no-unit": (
        registers('a = { address = 1, type = "int16", unit = "hp" }'),
        "unit hp is not known",
    ),
    "register-of-no-size": (registers('a = { address = 1, type = "text" }'), "size is given for a text"),
    "register-beyond-all": (registers('a = { address = 65536, type = "int16" }'), "<= 65535"),
    "written-input": (
        registers('a = { address = 1, type = "int16", space = "input", access = "rw" }'),
        "cannot be written",
    ),
    "enable-of-nothing": (replaced('enable = "704.WSetEna"\n', ""), "does not tell whether it is in force"),
    "pause-below-nothing": (
        replaced("release = [{", 'pause = [{ point = "704.WSet", set = 0 }]\nrelease = [{'),
        "pause needs setpoint_min",
    ),
    "flash-point-without-budget": (
        replaced('kind = "ram"', 'kind = "ram"\npoints = { "704.WSet" = "flash" }'),
        "at least 60 where persistence is flash",
    ),
    "meter-with-control": (replaced('kind = "battery"', 'kind = "meter"'), "a meter has none"),
    "number-without-end": (replaced("[match]", f"a = {'9' * 5_000}\n[match]"), "TOML: Exceeds"),
    "no-toml": (replaced("[match]", "[match"), "TOML: Expected"),
}


@pytest.mark.parametrize(("change", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_profile_is_told_its_file_and_field(
    tmp_path: Path, change: Callable[[str], str], reason: str
) -> None:
    text = (SHIPPED / "generic-sunspec-7xx-battery.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(change(text), encoding="utf-8")
    with pytest.raises(ConfigurationFault, match=f"mine.toml is not .*({reason})"):
        load_profiles(tmp_path)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"cannot read profiles from .*nowhere"):
        load_profiles(tmp_path / "nowhere")


def test_two_profiles_of_one_name_are_refused(tmp_path: Path) -> None:
    text = (SHIPPED / "sunspec-meter.toml").read_text(encoding="utf-8")
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationFault, match="same name"):
        load_profiles(tmp_path)


def test_a_profile_is_had_by_its_name() -> None:
    book = load_profiles()
    assert book["sunspec-meter"].kind is DerKind.METER
    with pytest.raises(
        ConfigurationFault, match=r"no profile 'sunny'; there are .*, generic-.*, sunspec-meter"
    ):
        book["sunny"]


def with_match(name: str, manufacturer: str = "", model: str = "", version: str = "") -> Profile:
    """The PV profile under another name and with an identity."""
    profile = load_profiles()["generic-sunspec-7xx-pv"]
    fields = {field: getattr(profile, field) for field in profile.__struct_fields__}
    changed = Match(models=(1, 701, 702, 704), manufacturer=manufacturer, model=model, version=version)
    return Profile(**{**fields, "name": name, "match": changed})


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (("Other", "X1", "9"), "any"),
        (("ACME", "X1", "9"), "acme"),
        (("Acme Inc", "Y9", "9"), "acme"),
        (("Acme", "Sun 5", "1.0"), "acme-sun"),
        (("Acme", "Sun 5", "2.1"), "acme-sun-2"),
    ],
    ids=["stranger", "manufacturer", "manufacturer-prefix", "model-prefix", "version-prefix"],
)
def test_the_most_specific_profile_wins(identity: tuple[str, str, str], expected: str) -> None:
    book = ProfileBook(
        (
            with_match("any"),
            with_match("acme", manufacturer="Acme"),
            with_match("acme-sun", manufacturer="Acme", model="Sun"),
            with_match("acme-sun-2", manufacturer="Acme", model="Sun", version="2."),
        )
    )
    matched = book.match(*identity, PV_IDS)
    assert matched is not None
    assert matched.name == expected


def test_a_meter_that_counts_the_other_way_round_is_known_by_its_maker() -> None:
    ids = frozenset({1, 103, 203})
    for maker, expected in (("SolarEdge ", "solaredge-meter"), ("WattNode", "sunspec-meter-2xx")):
        matched = load_profiles().match(maker, "", "", ids, DerKind.METER)
        assert matched is not None
        assert matched.name == expected


@pytest.mark.parametrize(
    ("model_ids", "kind", "expected"),
    [
        ({1, 701}, None, "sunspec-meter"),
        ({1, 103}, None, None),
        ({1, 103, 120, 121, 123}, None, "generic-sunspec-1xx-pv"),
        ({1, 113, 120, 121, 123, 124}, None, "generic-sunspec-1xx-battery"),
        ({1, 203}, None, "sunspec-meter-2xx"),
        (PV_IDS, None, "generic-sunspec-7xx-pv"),
        (PV_IDS, DerKind.METER, "sunspec-meter"),
        (PV_IDS, DerKind.BATTERY, None),
        (PV_IDS | {713}, DerKind.PV, None),
        (PV_IDS | {713, 64_204}, DerKind.EVSE, "generic-sunspec-7xx-evse"),
    ],
)
def test_models_and_kind_choose_among_the_shipped_ones(
    model_ids: frozenset[int], kind: DerKind | None, expected: str | None
) -> None:
    matched = load_profiles().match("", "", "", frozenset(model_ids), kind)
    assert (matched.name if matched else None) == expected


@pytest.mark.parametrize(
    ("version", "conditions", "inside"),
    [
        ("1.39.5", ">=1.39.5 <2", True),
        ("1.39.5-1", "=1.39.5", False),
        ("V1.40", ">1.39.5", True),
        ("2.0.0", "<2", False),
        ("2", "<=2.0.0", True),
        ("1.9", "<1.10", True),
        ("", "", True),
        ("", ">=1", False),
        ("unknown", "<9", False),
    ],
)
def test_a_version_lies_in_a_range_by_its_numbers(version: str, conditions: str, *, inside: bool) -> None:
    assert is_range(conditions)
    assert in_range(version, conditions) is inside


def test_a_range_of_firmware_goes_before_a_profile_for_all() -> None:
    profile = with_match("all", manufacturer="Acme")
    ranged = msgspec.structs.replace(
        profile, name="old", match=msgspec.structs.replace(profile.match, firmware=">=1.2 <2")
    )
    book = ProfileBook((profile, ranged))
    for version, expected in (("1.2.9", "old"), ("2.0", "all"), ("1.1", "all")):
        matched = book.match("Acme", "X", version, PV_IDS)
        assert matched is not None
        assert matched.name == expected


LINT: dict[str, tuple[str, str, str, str]] = {
    "unit-of-another-kind": ("sungrow-sh", 'unit = "kW"', 'unit = "kWh"', "power_nominal counts kWh, not W"),
    "unknown-register": ("sungrow-sh", '"active_power"]', '"power"]', "registers has no power"),
    "read-only": (
        "sungrow-sh",
        'ems_mode = { address = 13050, type = "uint16", access = "rw" }',
        'ems_mode = { address = 13050, type = "uint16" }',
        "ems_mode is read-only",
    ),
    "unseen": (
        "keba-p30",
        ', read_back = "current_limit"',
        "",
        "set_current cannot be read back; say read_back",
    ),
    "one-address": (
        "sungrow-sh",
        "address = 13052",
        "address = 13051",
        "ems_command and ems_power have one address",
    ),
    "no-address": ("sungrow-sh", "address = 4990", "address = 0", "-1 is no address on the wire"),
    "forbidden": (
        "enovates-eno",
        "write_function = 6",
        "forbidden = [{ first = 5040, last = 5040 }]",
        "registers.serial: lies in a forbidden block",
    ),
    "group-with-a-hole": (
        "sungrow-sh",
        "write_function = 6",
        'atomic = [["ems_mode", "ems_power"]]',
        "its registers do not follow one another",
    ),
    "lost-reference": (
        "keba-p30",
        'read_back = "current_limit"',
        'read_back = "limit"',
        "no readable register limit",
    ),
    "lost-probe": (
        "keba-p30",
        'register = "product_type"',
        'register = "product"',
        "no readable register product",
    ),
    "tested-by-nobody": ("keba-p30", 'tier = "silver"', 'tier = "bronze"', 'was tested with "nothing"'),
    "amperes-of-nothing": ("keba-p30", "phases = 3\n", "", "needs phases and voltage_assumed_v"),
    "budget-of-nothing": (
        "solaredge-pv",
        'dynamic_limit = "ram"',
        'dynamic = "ram"',
        "no step writes dynamic",
    ),
    "enable-that-stays": (
        "sungrow-sh",
        '{ point = "ems_mode", set = 0 },',
        "",
        "no step of release writes ems_mode",
    ),
    "versions-in-words": (
        "fronius-battery",
        'versions = "=1.39.5"',
        'versions = "1.39.5 and later"',
        "is no range",
    ),
}


@pytest.mark.parametrize(("name", "old", "new", "finding"), LINT.values(), ids=LINT)
def test_lint_says_what_the_form_cannot(tmp_path: Path, name: str, old: str, new: str, finding: str) -> None:
    text = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(replaced(old, new)(text), encoding="utf-8")
    found = list(findings(load_profiles(tmp_path)[name]))
    assert any(finding in sentence for sentence in found), found
