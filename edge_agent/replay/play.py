"""Play cases through the control law: samples in, the same number of outputs out."""

from collections.abc import Mapping
from itertools import groupby

import msgspec

from edge_agent.control.functions.frequency_droop import Latch
from edge_agent.control.grid_code import OUT_OF_SERVICE, GridCode, GridState, Measured
from edge_agent.replay.epri_settings import EpriSettings
from edge_agent.replay.vectors import DynamicCase, StaticCase, Vectors, value_at
from vpp_core.faults import ConfigurationFault

SETTLING_TIMES = 8.0
"""So many response times a static point is held: the rest of a step is then below 1e-7."""
STEPS_PER_RESPONSE = 20.0
STEP_S_MIN = 0.02
BEFORE_S = 1.0
"""How long a static frequency point stands at nominal first."""

StaticPoint = tuple[float, float, float]
"""What was set (Hz or per unit of voltage), and the settled active and reactive power."""


class Played(msgspec.Struct, frozen=True):
    """The outputs of a dynamic case; the status as runs of (first sample, text)."""

    p_pu: list[float]
    q_pu: list[float]
    status: list[tuple[int, str]]


class Player:
    """Plays the cases of one file.

    Args:
        vectors: the file.
        latch: how the droop takes the power before an excursion.
    """

    def __init__(self, vectors: Vectors, latch: Latch = Latch.EVERY_EXIT) -> None:
        self._base = vectors.base_settings
        self._nominal_hz = vectors.nominal_hz
        self._latch = latch

    def play_static(self, case: StaticCase) -> list[StaticPoint]:
        """The settled power at every point.

        Raises:
            ConfigurationFault: a setting of the case is unknown or wrong.
        """
        settings, code = self._made(case.id, case.settings, storage=case.der == "bess")
        response_s = settings.response_s
        dt_s = max(response_s / STEPS_PER_RESPONSE, STEP_S_MIN)
        steps = int(SETTLING_TIMES * response_s / dt_s) + 1
        points = []
        for point in case.points_f_p or case.points_v_p_q:
            before, at_point = self._static_samples(case, point[0])
            state = GridState()
            for _ in range(int(BEFORE_S / dt_s) + 1):
                state, _ = code.decide(state, before, dt_s)
            state, decision = code.decide(state, at_point, dt_s)
            for _ in range(steps):
                state, decision = code.decide(state, at_point, dt_s)
            points.append((point[0], decision.injection_pu, decision.reactive_pu))
        return points

    def play_dynamic(self, case: DynamicCase) -> Played:
        """Every output of the case.

        Raises:
            ConfigurationFault: a setting of the case is unknown or wrong.
        """
        storage = case.der == "bess"
        values = dict(case.settings)
        settings, code = self._made(case.id, values, storage=storage)
        state = GridState() if settings.starts_in_service else OUT_OF_SERVICE
        changes = dict(case.setting_changes)
        inputs, p_pu, q_pu, status = case.inputs, [], [], []
        wanted = inputs.p_dem_pu if storage else inputs.p_avl_pu
        for sample in range(case.n):
            if sample in changes:
                values |= changes[sample]
                _, code = self._made(case.id, values, storage=storage)
            wanted_pu = value_at(wanted or 0.0, sample)
            measured = Measured(
                voltage_pu=value_at(inputs.v_pu, sample),
                frequency_hz=value_at(inputs.f_hz, sample),
                available_pu=1.0 if storage else wanted_pu,
                wanted_pu=wanted_pu,
            )
            state, decision = code.decide(state, measured, case.dt_s)
            p_pu.append(decision.injection_pu)
            q_pu.append(decision.reactive_pu)
            status.append(decision.status.value)
        return Played(p_pu, q_pu, _runs(status))

    def _static_samples(self, case: StaticCase, point: float) -> tuple[Measured, Measured]:
        """What is measured before a point, and at it."""
        nominal_hz = self._nominal_hz
        if case.p_in_pu is not None:
            available_pu = 1.0 if case.der == "bess" else case.p_in_pu
            at_point = Measured(point, nominal_hz, available_pu, case.p_in_pu)
            return at_point, at_point
        available_pu, before_pu = case.p_available_pu or 0.0, case.p_pre_pu or 0.0
        return (
            Measured(1.0, nominal_hz, available_pu, before_pu),
            Measured(1.0, point, available_pu, before_pu),
        )

    def _made(
        self, case_id: str, values: Mapping[str, object], *, storage: bool
    ) -> tuple[EpriSettings, GridCode]:
        settings = EpriSettings({**self._base, **values}, nominal_hz=self._nominal_hz, storage=storage)
        try:
            return settings, GridCode(settings.grid_code(self._latch))
        except ValueError as error:
            raise ConfigurationFault(f"settings of case {case_id}: {error}") from error


def _runs(status: list[str]) -> list[tuple[int, str]]:
    """Run-length: the first sample of each status."""
    numbered = groupby(enumerate(status), key=lambda pair: pair[1])
    return [next(group) for _, group in numbered]
