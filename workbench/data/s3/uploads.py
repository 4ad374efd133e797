"""Uploads in parts, which a cut does not lose: what is under way is noted here, the parts are there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path

from workbench.data.backend import Tail
from workbench.data.s3.answers import Part, completed, read_error, read_parts, read_upload
from workbench.data.s3.client import S3Client
from workbench.errors import Conflict, NotFound, RemoteError
from workbench.home import private_folder

PART = 8 << 20
"""Bytes of a part, and what is sent in one piece; more where ten thousand of these are not enough."""
MOST_PARTS = 9000
AT_ONCE = 4
LAST_PARTS = 30.0
"""Seconds that parts on their way may take once nothing more comes."""


class Uploads:
    """Those of one bucket."""

    def __init__(self, client: S3Client, notes: Path) -> None:
        self._client = client
        self._notes = notes

    def _note(self, key: str, token: str) -> Path:
        named = "\n".join([self._client.address(key), token])
        name = hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self._notes / f"{name}.json"

    def _read(self, key: str, token: str) -> tuple[str, int] | None:
        try:
            found = json.loads(self._note(key, token).read_text("utf-8"))
            return str(found["upload"]), int(found["part"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, key: str, token: str, upload: str, part: int) -> None:
        private_folder(self._notes)
        path = self._note(key, token)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"upload": upload, "part": part}), "utf-8")
        os.replace(partial, path)

    async def arrived(self, key: str, token: str) -> int:
        """How many bytes are there, from the first on."""
        noted = await asyncio.to_thread(self._read, key, token)
        if noted is None:
            return 0
        parts = await self._parts(key, noted[0])
        return 0 if parts is None else _whole_parts(parts, noted[1]) * noted[1]

    async def _parts(self, key: str, upload: str) -> dict[int, Part] | None:
        """The parts that are there by number; None when the service has forgotten the upload."""
        found: dict[int, Part] = {}
        query = {"uploadId": upload}
        while True:
            try:
                parts, more = read_parts((await self._client.call("GET", key, query)).body)
            except NotFound:
                return None
            found.update({part.number: part for part in parts})
            if more is None or not parts:
                return found
            query = {"uploadId": upload, "part-number-marker": more}

    async def send(
        self, key: str, tail: Tail, token: str, size: int, offset: int, guard: dict[str, str]
    ) -> None:
        """Send content from offset on and put the whole in its place; a cut leaves the parts.

        guard: headers the last request has. Raises Conflict.
        """
        upload, part_size, parts = await self._begun(key, token, size, offset)
        digest = None if offset else hashlib.sha256()
        number = offset // part_size
        waiting: set[asyncio.Task[Part]] = set()
        body = bytearray()
        try:
            async for block in tail.content():
                if digest is not None:
                    digest.update(block)
                body += block
                while len(body) >= part_size:
                    number += 1
                    piece, body = bytes(body[:part_size]), body[part_size:]
                    if len(waiting) >= AT_ONCE:
                        waiting = await _some(waiting, parts)
                    waiting.add(asyncio.create_task(self._send_part(key, upload, number, piece)))
            if body:
                waiting.add(asyncio.create_task(self._send_part(key, upload, number + 1, bytes(body))))
            while waiting:
                waiting = await _some(waiting, parts)
        except Exception:  # the caller is cut off: what is on its way here need not be sent again
            if waiting:
                await asyncio.wait(waiting, timeout=LAST_PARTS)
            raise
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if digest is not None and tail.digest != digest.digest():
            await self._abort(key, token, upload)
            raise Conflict("the file changed on its way", "send it again")
        await self._complete(key, token, upload, [parts[n] for n in sorted(parts)], size, guard)

    async def _begun(self, key: str, token: str, size: int, offset: int) -> tuple[str, int, dict[int, Part]]:
        """The upload that goes on, or a new one: its id, the size of its parts, those that count."""
        noted = await asyncio.to_thread(self._read, key, token)
        there = None if noted is None else await self._parts(key, noted[0])
        if offset:
            if noted is None or there is None or offset > _whole_parts(there, noted[1]) * noted[1]:
                raise Conflict("less of it is there than was said", "begin anew")
            upload, part_size = noted
            if offset % part_size:
                raise Conflict("an upload goes on at the end of a part", "ask how much of it arrived")
            return upload, part_size, {n: part for n, part in there.items() if n <= offset // part_size}
        if noted is not None and there is not None:
            await self._abort(key, token, noted[0])
        part_size = max(PART, -(-size // MOST_PARTS))
        upload = read_upload((await self._client.call("POST", key, {"uploads": ""})).body)
        await asyncio.to_thread(self._write, key, token, upload, part_size)
        return upload, part_size, {}

    async def _send_part(self, key: str, upload: str, number: int, body: bytes) -> Part:
        query = {"partNumber": str(number), "uploadId": upload}
        answer = await self._client.call("PUT", key, query, body=body)
        return Part(number, len(body), answer.headers.get("ETag", "").strip('"'))

    async def _complete(
        self, key: str, token: str, upload: str, parts: list[Part], size: int, guard: dict[str, str]
    ) -> None:
        if sum(part.size for part in parts) != size:
            raise Conflict("the parts that are there are not the whole", "begin anew")
        answer = await self._client.call("POST", key, {"uploadId": upload}, guard, completed(parts))
        code, message = read_error(answer.body)  # it may say 200 and then that it failed
        if code:
            raise RemoteError(f"the S3 service did not put the parts together ({message or code})")
        self._note(key, token).unlink(missing_ok=True)

    async def _abort(self, key: str, token: str, upload: str) -> None:
        self._note(key, token).unlink(missing_ok=True)
        try:
            await self._client.call("DELETE", key, {"uploadId": upload})
        except NotFound:
            return


def _whole_parts(parts: dict[int, Part], size: int) -> int:
    """How many whole parts there are without a gap, from the first on."""
    count = 0
    while (part := parts.get(count + 1)) is not None and part.size == size:
        count += 1
    return count


async def _some(waiting: set[asyncio.Task[Part]], parts: dict[int, Part]) -> set[asyncio.Task[Part]]:
    """Wait until one of the parts is there; those that are not."""
    done, left = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        part = task.result()
        parts[part.number] = part
    return left
