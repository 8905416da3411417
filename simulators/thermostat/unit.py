"""A thermostat as one thing: house, machine, occupant and agenda, without any protocol."""

from dataclasses import dataclass, field

from simulators.thermostat.agenda import Agenda
from simulators.thermostat.house import House, Weather
from simulators.thermostat.hvac import Hvac, HvacConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermostatConfig:
    hvac: HvacConfig = field(default_factory=HvacConfig)
    house: House = field(default_factory=House)
    weather: Weather = field(default_factory=Weather)
    seed: int = 0
    willing: bool = True
    """The occupant takes part in events."""


class Thermostat:
    """The agenda tells the machine what to do, and the machine tells the agenda when it is too much."""

    def __init__(self, config: ThermostatConfig, begins_s: float) -> None:
        self.agenda = Agenda(seed=config.seed, willing=config.willing)
        self.hvac = Hvac(
            config.hvac,
            config.house,
            config.weather,
            begins_s,
            orders=self.agenda.order_at,
            on_override=self.agenda.override,
        )
