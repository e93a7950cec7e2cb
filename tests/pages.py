"""A page as a program reads it: its elements, what stands in them, and what it refers to."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "img", "input", "br"}
_RAW = {"script", "style"}


@dataclass
class Element:
    """An element with its attributes, all the text below it, and the elements directly below it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    parts: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """Return the elements of a tag below this one, in order."""
        return [each for part in self.parts for each in ([part] if part.tag == tag else []) + part.all(tag)]

    def with_id(self, name: str) -> Element:
        """Return the element below this one that has an id."""
        (found,) = (each for each in self.every() if each.attributes.get("id") == name)
        return found

    def every(self) -> list[Element]:
        """Return all elements below this one."""
        return [each for part in self.parts for each in (part, *part.every())]


class _Reader(HTMLParser):
    """Builds the tree; an element that is ended before those inside it fails."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].parts.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].parts.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> in <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            if element.tag not in _RAW or element is self.open[-1]:
                element.text += data


def read_page(text: str) -> Element:
    """Return what a page consists of. Raises AssertionError where its elements are not nested as they must be."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [reader.root]
    return reader.root
