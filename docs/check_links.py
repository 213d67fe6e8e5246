"""Check that every link of the built site leads to a file, every anchor to a place in it, and that it is whole.

``python docs/check_links.py docs/_build/html``. Links out of the site are left alone, since it is built offline;
scripts, styles and pictures must be its own.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the places that links may lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.parts: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down a tag's links and its id."""
        found = {name: value for name, value in attrs if value}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        self.links += [found[name] for name in ("href", "src") if name in found]
        self.parts += [found[name] for name in ("href", "src") if name in found and tag in ("link", "script", "img")]


def broken(site: Path) -> list[str]:
    """Return a line for each link that leads nowhere."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    lines = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.parts and parts.scheme != "data":
                    lines.append(f"{path.relative_to(site.resolve())}: {link}: is not part of the site")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                lines.append(f"{path.relative_to(site.resolve())}: {link}: no such file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                lines.append(f"{path.relative_to(site.resolve())}: {link}: no such place")
    return lines


if __name__ == "__main__":
    found = broken(Path(sys.argv[1]))
    print(*found, f"{len(found)} links or parts are wrong", sep="\n")
    sys.exit(bool(found))
