"""Behind the bridge: modules, cells and the bus that joins them; who gives what."""

import math

from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.efficiency import Stage
from simulators.devices.inverter.nameplate import Kind
from simulators.devices.inverter.orders import Orders
from simulators.devices.inverter.storage import Storage

FAR = 4.0
"""A battery whose border is farther away than this multiple of its rating needs no sum about it."""

ROUNDING_W = 1e-3


class DcSide:
    """Modules feed the bus first, the battery gives or takes the rest, and what it cannot take is curtailed.

    :meth:`look` says what is possible now, :meth:`fit` holds a pair of powers to it, and :meth:`flow` divides
    it. Powers in W, seen from the bus: positive gives to the grid.
    """

    def __init__(self, config: InverterConfig) -> None:
        plate = config.nameplate
        self._config, self._plate = config, plate
        self.stores, self._hybrid = plate.kind is not Kind.PV, plate.kind is Kind.HYBRID
        self.bridge = Stage(config.inverter_efficiency, plate.injection_w_max)
        self._tracker = Stage(config.pv_efficiency, max(plate.pv_w_max, 1.0))
        self._rating_w = max(config.charge_w_max, config.discharge_w_max)
        self._cells = Stage(config.battery_efficiency, max(self._rating_w, 1.0))
        self.storage = Storage(plate.energy_capacity_wh, config.state_of_charge) if self.stores else None
        per_var = config.reactive_loss_pu / plate.reactive_var_max if plate.reactive_var_max > 0.0 else 0.0
        self._loss_per_var2 = per_var
        self._far_w = FAR * (self._rating_w + plate.pv_w_max)
        self._give_w = self._take_w = 0.0
        """Of the battery at the bus, as magnitudes."""
        self._low_w = self._high_w = 0.0
        """Of the bus."""
        self.sunny_w = self._sunny_bus_w = 0.0
        """What the modules could give, at their terminals and at the bus."""
        self._dark = True
        self.ceiling_w = self.floor_w = 0.0
        """At the grid, within the ratings."""
        self.pv_w = self.cells_w = self.heat_w = 0.0
        """Present flows: of the modules, out of the cells, and lost in the bridge."""

    @property
    def asleep(self) -> bool:
        """A unit without a battery whose modules give less than it needs to run."""
        return self._dark and not self.stores

    def look(self, sun_pu: float, orders: Orders, dt_s: float, derating: float) -> None:
        """Work out what is possible over the next ``dt_s`` where heat leaves a share of the rating."""
        sunny_w = sun_pu * self._plate.pv_w_max if sun_pu > 0.0 else 0.0
        if sunny_w != self.sunny_w:
            self.sunny_w, self._sunny_bus_w = sunny_w, self._tracker.delivered_w(sunny_w)
            self._dark = self.bridge.delivered_w(self._sunny_bus_w) <= 0.0
        self._mind_the_cells(orders, dt_s)
        self._low_w, self._high_w = -self._take_w, self._sunny_bus_w + self._give_w
        if not orders.charges_from_grid:
            self._low_w = 0.0
        ceiling_w, floor_w = orders.injection_w_max, -orders.absorption_w_max
        if self._high_w < self._far_w:
            ceiling_w = min(ceiling_w, max(0.0, self.bridge.delivered_w(self._high_w)))
        if -self._low_w < self._plate.absorption_w_max:
            floor_w = max(floor_w, self.bridge.delivered_w(self._low_w)) if self._low_w < 0.0 else 0.0
        if self.stores and not self._hybrid:
            ceiling_w, floor_w = min(ceiling_w, orders.discharge_w_max), max(floor_w, -orders.charge_w_max)
        if derating < 1.0:
            ceiling_w = min(ceiling_w, derating * self._plate.injection_w_max)
            floor_w = max(floor_w, -derating * self._plate.absorption_w_max)
        self.ceiling_w, self.floor_w = ceiling_w, floor_w

    def free_w(self) -> float:
        """What the unit gives without a command: all of the sun, and nothing of the battery."""
        if not self.stores:
            return self._plate.injection_w_max
        return max(0.0, self.bridge.delivered_w(self._sunny_bus_w)) if self._hybrid else 0.0

    def forced_w(self, battery_w: float) -> float:
        """Power at the grid where the battery is made to give (take) so much, and the sun gives all."""
        if not self._hybrid:
            return battery_w
        battery_w = min(max(battery_w, -self._take_w), self._give_w)
        return self.bridge.delivered_w(max(self._sunny_bus_w + battery_w, self._low_w))

    def fit(self, power_w: float, reactive_var: float) -> float:
        """The power, held to what the bus can give now; losses of reactive power come out of it too."""
        loss_w = self._loss_per_var2 * reactive_var * reactive_var
        if self._high_w < self._far_w and power_w > (
            most_w := self.bridge.delivered_w(self._high_w - loss_w)
        ):
            return most_w
        if power_w < 0.0 and -self._low_w < self._plate.absorption_w_max:
            return max(power_w, self.bridge.delivered_w(self._low_w - loss_w))
        return power_w

    def flow(self, power_w: float, reactive_var: float) -> None:
        """Divide among modules, battery and loss; an idle bridge does not switch, and loses nothing."""
        bus_w = 0.0
        if power_w != 0.0 or reactive_var != 0.0:
            bus_w = self.bridge.drawn_w(power_w) + self._loss_per_var2 * reactive_var * reactive_var
        self.heat_w = bus_w - power_w
        sunny_w = self._sunny_bus_w
        battery_w = 0.0
        if self.stores:
            battery_w = bus_w - sunny_w
            if battery_w > self._give_w:
                battery_w = self._give_w
            elif battery_w < -self._take_w:
                battery_w = -self._take_w
            self.cells_w = self._cells.drawn_w(battery_w) if battery_w != 0.0 else 0.0
        used_w = bus_w - battery_w
        assert -ROUNDING_W <= used_w <= sunny_w + ROUNDING_W, (  # noqa: S101
            f"the bus gives {bus_w} W, the battery {battery_w} W, and the modules cannot give {used_w} W"
        )
        if used_w >= sunny_w:
            self.pv_w = self.sunny_w
        else:
            self.pv_w = self._tracker.drawn_w(used_w) if used_w > 0.0 else 0.0

    def rest(self) -> None:
        """Nothing flows at all."""
        self.pv_w = self.cells_w = self.heat_w = 0.0

    def calm_steps(self, dt_s: float) -> float:
        """For how many further steps the present flows leave unchanged what is possible; may be infinite."""
        if self.storage is None:
            return math.inf
        return self.storage.calm_steps(self.cells_w, dt_s, self._far_w)

    def available_w(self, dt_s: float) -> float:
        """What could be injected now, commands and heat apart."""
        high_w = self._sunny_bus_w
        if self.storage is not None:
            high_w += self._cells.delivered_w(min(self.storage.discharge_w_max(dt_s), self._far_w))
        return min(self._plate.injection_w_max, max(0.0, self.bridge.delivered_w(high_w)))

    def _mind_the_cells(self, orders: Orders, dt_s: float) -> None:
        storage = self.storage
        if storage is None:
            return
        storage.keep(orders.reserve_pu)
        give_w = take_w = self._far_w
        if self._hybrid:
            config = self._config
            take_w = orders.charge_w_max
            if config.battery_w_max is not None or orders.discharge_w_max < config.discharge_w_max:
                give_w = orders.discharge_w_max
        inside_w = storage.discharge_w_max(dt_s)
        if inside_w < self._far_w:
            give_w = min(give_w, self._cells.delivered_w(inside_w) if inside_w > 0.0 else 0.0)
        room_w = storage.charge_w_max(dt_s)
        if room_w < self._far_w:
            take_w = min(take_w, -self._cells.delivered_w(-room_w) if room_w > 0.0 else 0.0)
        self._give_w, self._take_w = give_w, take_w
