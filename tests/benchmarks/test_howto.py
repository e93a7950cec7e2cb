"""Pages of the how-to show what their commands print."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.howto import PAGES, Step, rewritten, run, steps

PAGE = """# A page

```
cat words.txt
echo no
```

```text
what it was
```

```
never run
```

Text.

```python
print()
```

```
sort words.txt | head -1
```

```text
```
"""


def test_commands_run_in_order_and_their_output_takes_the_place_of_the_old(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("b  \na\n")
    assert steps(PAGE) == [Step("cat words.txt\necho no\n", "what it was\n"), Step("sort words.txt | head -1\n", "")]
    page = rewritten(PAGE, tmp_path)
    assert steps(page) == [Step("cat words.txt\necho no\n", "b\na\nno\n"), Step("sort words.txt | head -1\n", "a\n")]
    assert re.sub(r"```text\n.*?```", "", page, flags=re.DOTALL) == re.sub(
        r"```text\n.*?```", "", PAGE, flags=re.DOTALL
    )
    assert rewritten(page, tmp_path) == page
    assert [file.name for file in tmp_path.iterdir()] == ["words.txt"]


def test_the_first_command_that_fails_ends_the_page(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run("false\ntouch here\n", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", sorted(PAGES.glob("*.md")), ids=lambda file: file.stem)
def test_every_page_shows_what_its_commands_printed(file: Path) -> None:
    found = steps(file.read_text(encoding="utf-8"))
    assert len(found) >= 3
    assert [step.commands for step in found if not step.output.strip()] == []
