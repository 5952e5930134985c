"""What an error tells a person, for tests that ask what people see."""

from __future__ import annotations

import re
from collections.abc import Callable

from asrcli.output.wording import words
from asrcli.values.errors import AsrcliError


def says(pattern: str) -> Callable[[AsrcliError], bool]:
    """For `check` of pytest.raises: whether `pattern` is found in what people read of the error."""
    return lambda error: re.search(pattern, words(error)) is not None
