"""What S3 answers in XML, read as a stranger's text: no entities, nothing that does not fit. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as Tree
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from workbench.data.sources import told_size
from workbench.entities.datastore import DataItem
from workbench.errors import RemoteError
from workbench.text.sanitize import clean_name

LARGEST = 16 << 20
"""Bytes of one answer; a page of a thousand long keys has 2 MB."""


class Listing(NamedTuple):
    """A page: files, names of what is below (with a delimiter), and where the next page begins."""

    items: list[DataItem]
    prefixes: list[str]
    more: str | None


class Part(NamedTuple):
    """One part of an upload."""

    number: int
    size: int
    etag: str


def _root(body: bytes) -> Tree.Element:
    if b"<!DOCTYPE" in body[:4096].upper() or b"<!ENTITY" in body.upper():
        raise RemoteError("the S3 service answered with what is no answer of S3")
    try:
        root = Tree.fromstring(body)
    except Tree.ParseError as problem:
        raise RemoteError(
            "the S3 service answered with what is no XML", "is the endpoint really one of S3?"
        ) from problem
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def read_error(body: bytes) -> tuple[str, str]:
    """The code and the message of an error; empty where there is none. Nothing else of it is looked at."""
    try:
        root = _root(body)
    except RemoteError:
        return "", ""
    return clean_name(root.findtext("Code") or "", 80), clean_name(root.findtext("Message") or "", 300)


def read_listing(body: bytes) -> Listing:
    """The answer to ListObjectsV2 with encoding-type=url; raises RemoteError."""
    root = _root(body)
    items = [item for element in root.findall("Contents") if (item := _item(element)) is not None]
    prefixes = [_key(element.findtext("Prefix")) for element in root.findall("CommonPrefixes")]
    more = root.findtext("NextContinuationToken") if root.findtext("IsTruncated") == "true" else None
    return Listing(items, [prefix for prefix in prefixes if prefix], more or None)


def _item(element: Tree.Element) -> DataItem | None:
    key, size = _key(element.findtext("Key")), told_size(element.findtext("Size") or "")
    if not key or size is None:
        return None
    return DataItem(
        path=key, size=size, modified=_moment(element.findtext("LastModified")), etag=_etag(element)
    )


def _etag(element: Tree.Element) -> str | None:
    found = (element.findtext("ETag") or "").strip().strip('"')
    return found if found and len(found) <= 200 and found.isascii() and found.isprintable() else None


def _key(text: str | None) -> str:
    return unquote_to_bytes((text or "").replace("+", " ")).decode("utf-8", "surrogateescape")


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None


def read_upload(body: bytes) -> str:
    """The id of an upload in parts that was begun; raises RemoteError."""
    found = _root(body).findtext("UploadId") or ""
    if not found or len(found) > 2000:
        raise RemoteError("the S3 service began an upload and did not say which")
    return found


def read_parts(body: bytes) -> tuple[list[Part], str | None]:
    """The parts of an upload that are there, and behind which number the next page begins."""
    root = _root(body)
    more = root.findtext("NextPartNumberMarker") if root.findtext("IsTruncated") == "true" else None
    return list(_parts(root)), more


def _parts(root: Tree.Element) -> Iterator[Part]:
    for element in root.findall("Part"):
        number, size = (told_size(element.findtext(name) or "") for name in ("PartNumber", "Size"))
        etag = _etag(element)
        if number is not None and size is not None and etag is not None:
            yield Part(number, size, etag)


def completed(parts: list[Part]) -> bytes:
    """What ends an upload: its parts in order."""
    root = Tree.Element("CompleteMultipartUpload")
    for part in parts:
        element = Tree.SubElement(root, "Part")
        Tree.SubElement(element, "PartNumber").text = str(part.number)
        Tree.SubElement(element, "ETag").text = f'"{part.etag}"'
    return Tree.tostring(root)
