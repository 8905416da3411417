"""Model 1: who a unit says it is."""

from simulators.devices.image import ModelInstance
from simulators.devices.maps.unit import Identity


def common(identity: Identity) -> ModelInstance:
    """The device address is not offered: the unit answers to whatever id its server gives it."""
    return ModelInstance(
        number=1,
        fixed={
            "Mn": identity.manufacturer,
            "Md": identity.model,
            "Opt": identity.options or None,
            "Vr": identity.version,
            "SN": identity.serial,
        },
    )
