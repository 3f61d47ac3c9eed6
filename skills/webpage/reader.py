# SPDX-License-Identifier: MIT
"""Reads a page: title, headings, links and text."""

import codecs
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

# Elements whose content nobody sees.
HIDDEN = {"script", "style", "noscript", "template", "svg", "iframe"}
# Elements that begin on a line of their own.
BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "br", "dd", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol",
    "p", "pre", "section", "table", "tbody", "td", "th", "thead", "tr", "ul",
}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
LINK_SCHEMES = {"http", "https", "ftp", "mailto", "tel"}
META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w.:-]+)", re.IGNORECASE)


class PageReader(HTMLParser):
    """Collects what is of interest while the parser walks over the page."""

    def __init__(self, url):
        super().__init__(convert_charrefs=True)
        self.base = url
        self.title = None
        self.headings = []
        self.links = []
        self._text = []
        self._hidden = None  # the element we are in, and how deep
        self._depth = 0
        self._title = None  # these three collect strings while open
        self._heading = None
        self._link = None

    def handle_starttag(self, tag, attrs):
        if self._hidden:
            self._depth += tag == self._hidden
            return
        if tag in HIDDEN:
            self._hidden, self._depth = tag, 1
            return
        if tag in BLOCKS:
            self._text.append("\n")
        given = {name: value or "" for name, value in attrs}
        if tag == "base" and "href" in given:
            self.base = join(self.base, given["href"]) or self.base
        elif tag == "title" and self.title is None:
            self._title = []
        elif tag in HEADINGS:
            self._end_heading()
            self._heading = (int(tag[1]), [])
        elif tag == "a" and "href" in given:
            self._end_link()
            self._link = (given["href"], [])

    def handle_startendtag(self, tag, attrs):
        # <svg/> is over at once, but <p/> and <a/> are not, in HTML.
        if tag not in HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if self._hidden:
            self._depth -= tag == self._hidden
            if self._depth == 0:
                self._hidden = None
            return
        if tag in BLOCKS:
            self._text.append("\n")
        if tag == "title":
            self._end_title()
        elif tag in HEADINGS:
            self._end_heading()
        elif tag == "a":
            self._end_link()

    def handle_data(self, data):
        if self._hidden:
            return
        if self._title is not None:
            self._title.append(data)
            return
        self._text.append(data)
        for collector in (self._heading, self._link):
            if collector:
                collector[1].append(data)

    def close(self):
        super().close()
        self._end_title()
        self._end_heading()
        self._end_link()

    def _end_title(self):
        if self._title is not None:
            self.title = collapse("".join(self._title))
            self._title = None

    def _end_heading(self):
        if self._heading:
            level, parts = self._heading
            self.headings.append(
                {"level": level, "text": collapse("".join(parts))})
            self._heading = None

    def _end_link(self):
        if self._link:
            target, parts = self._link
            url = join(self.base, target)
            if url:
                self.links.append(
                    {"url": url, "text": collapse("".join(parts))})
            self._link = None

    def text(self):
        lines = map(collapse, "".join(self._text).split("\n"))
        return "\n".join(line for line in lines if line)


def collapse(text):
    return " ".join(text.split())


def join(base, target):
    """The absolute URL of a link, or None where there is none to follow."""
    try:
        url = urljoin(base, target.strip())
        return url if urlsplit(url).scheme in LINK_SCHEMES else None
    except ValueError:
        return None


def decode(body, charset):
    """Text of a page: byte order mark, then HTTP, then its <meta> decide."""
    if body.startswith(codecs.BOM_UTF8):
        return body[3:].decode("utf-8", "replace")
    if not charset:
        found = META_CHARSET.search(body, 0, 4096)
        charset = found.group(1).decode("ascii") if found else "utf-8"
    try:
        return body.decode(charset, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def read(url, body, charset):
    reader = PageReader(url)
    reader.feed(decode(body, charset))
    reader.close()
    return {
        "url": url,
        "title": reader.title,
        "headings": reader.headings,
        "links": reader.links,
        "text": reader.text(),
    }
