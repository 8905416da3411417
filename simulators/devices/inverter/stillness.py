"""Whether anything moves: what has come back to where it was, under the same inputs, will do so again."""

import pickle

FIRST_STEPS, MOST_STEPS = 16, 4_096


class Stillness:
    """Finds out when the steps of a unit have become one and the same.

    Equal inputs and equal flows are necessary and cheap to see. They are not enough while a timer runs or a
    lag moves unseen; so now and then the whole state of the functions before a step is compared with that
    after it. A state that a step leads to itself, it leads to itself for ever.
    """

    def __init__(self) -> None:
        self.until = 0
        """The last step that is known to be like the present one."""
        self._sensed: object = None
        self._flows: object = None
        self._equal_steps = 0
        self._look_after = FIRST_STEPS
        self._state: bytes | None = None

    def stir(self) -> None:
        """Something has changed, or may have."""
        self.until = self._equal_steps = 0
        self._look_after = FIRST_STEPS

    def before(self, functions: object, sensed: object) -> None:
        """A step begins with these inputs."""
        self._state = None
        if sensed != self._sensed:
            self._sensed = sensed
            self.stir()
        elif self._equal_steps >= self._look_after:
            self._state = pickle.dumps(functions)

    def after(self, functions: object, flows: object) -> bool:
        """The step has ended with these flows; whether it has changed nothing at all."""
        if flows != self._flows:
            self._flows = flows
            self.stir()
            return False
        self._equal_steps += 1
        if self._state is None:
            return False
        if self._state == pickle.dumps(functions):
            return True
        self._look_after = min(2 * self._look_after, MOST_STEPS)
        self._equal_steps = 0
        return False
