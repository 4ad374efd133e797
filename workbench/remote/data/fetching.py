"""Files that the machine itself fetches over http and https into its cache: in parallel, resumed, checked."""

import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional
from urllib.parse import unquote, urlsplit

from workbench.remote.data.arriving import CHANGED, Arrival
from workbench.remote.data.cache import FILE_ID, Cache
from workbench.remote.wire.problems import RequestError

THREADS = 6
TRIES = 6
FIRST_TRIES = 3  # while not a byte of anything has come: it may be no way at all
SECONDS = 60.0  # without a byte
BLOCK = 1 << 18
MAX_URL = 16384
AGAIN = (408, 425, 429, 500, 502, 503, 504)

# url is used once and kept nowhere: it may let in whoever has it. etag: None = not known.
Wanted = NamedTuple("Wanted", [("id", str), ("size", int), ("url", str), ("etag", Optional[str])])


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """As its base, with an error in words for other schemes."""
        check_url(newurl)
        return super(Redirects, self).redirect_request(req, fp, code, msg, headers, newurl)


def opener() -> Any:
    """What opens http and https, by the proxy that the environment names, and nothing else."""
    found = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        Redirects,
        urllib.request.HTTPErrorProcessor,
    ):
        found.add_handler(handler())
    return found


def check_url(url: Any) -> str:
    """The address itself; raises RequestError for what is none of http or https."""
    fine = isinstance(url, str) and len(url) <= MAX_URL and not any(ord(char) <= 32 for char in url)
    parts = urlsplit(url) if fine else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise RequestError("usage", "%.80r is no address of http or https" % (url,))
    return str(url)


def shown(url: str) -> str:
    """An address as it may be told: without what lets one in."""
    parts = urlsplit(url)
    return "%s://%s%s" % (parts.scheme, parts.netloc.rpartition("@")[2], parts.path)


def look(url: str) -> Dict[str, Any]:
    """{"size", "etag"?, "modified"?, "name"} of what is at an address. Raises RequestError."""
    answer = ask(check_url(url), {"Range": "bytes=0-0"})
    with answer:
        length = answer.headers.get("Content-Length")
        if answer.status == 206:
            length = (answer.headers.get("Content-Range") or "").rpartition("/")[2]
        if not length or not length.isdecimal() or len(length) > 18:
            hint = "download it, and give the file"
            raise RequestError("refused", "%s does not say how large it is" % shown(url), hint)
        found = {"size": int(length), "name": name_of(url)}  # type: Dict[str, Any]
        for name, header in (("etag", "ETag"), ("modified", "Last-Modified")):
            if answer.headers.get(header):
                found[name] = str(answer.headers[header])[:500]
        return found


def name_of(url: str) -> str:
    """The name of the file that an address ends with."""
    name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return name if name not in ("", ".", "..") and "/" not in name and "\0" not in name else "data"


def fetch(
    cache: Cache, wanted: List[Wanted], tell: Callable[[int, int], None], check: Callable[[], None]
) -> int:
    """Fetch what is not here; how many files there are. tell: files and bytes that came so far.

    check: is called often, and may raise to give up. Raises RequestError, OSError of the first that fails.
    """
    work = Fetching(cache, wanted, tell, check)
    threads = [threading.Thread(target=work.help) for _ in range(min(THREADS, len(wanted)))]
    for thread in threads:
        thread.daemon = True
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)
            try:
                check()
            except BaseException as problem:
                work.problems.append(problem)
                raise
            tell(work.files, work.bytes)
    if work.problems:
        raise work.problems[0]
    return len(wanted)


class Fetching(object):
    """Files being fetched by several threads."""

    def __init__(
        self,
        cache: Cache,
        wanted: List[Wanted],
        tell: Callable[[int, int], None],
        check: Callable[[], None],
    ) -> None:
        self._cache = cache
        self._left = iter(wanted)  # type: Iterator[Wanted]
        self._lock = threading.Lock()
        self.problems = []  # type: List[BaseException]
        self.files = 0
        self.bytes = 0

    def help(self) -> None:
        """Fetch the next files until none is left, or one failed."""
        try:
            while not self.problems:
                with self._lock:
                    file = next(self._left, None)
                if file is None:
                    return
                self._file(file)
                with self._lock:
                    self.files += 1
        except BaseException as problem:  # raised by who waits for us
            self.problems.append(problem)

    def _check(self) -> None:
        if self.problems:
            raise RequestError("cancelled", "given up")

    def _file(self, file: Wanted) -> None:
        arrival = Arrival(self._cache, file.id, file.size)
        try:
            if not arrival.begin(None, self._check):
                return
            failures = 0
            while arrival.offset < file.size:
                before = arrival.offset
                try:
                    self._rest(file, arrival)
                except (OSError, EOFError) as problem:  # urllib's and the socket's are OSErrors
                    if not is_passing(problem):
                        raise
                    failures = failures + 1 if arrival.offset == before else 1
                    if failures >= (TRIES if self.bytes else FIRST_TRIES):
                        words = "%s cannot be fetched: %s" % (shown(file.url), reason(problem))
                        raise RequestError("unreachable", words, "what came is kept; submit it again")
                    self._pause(min(8.0, 0.25 * 2**failures))
            arrival.settle()
        finally:
            arrival.close()

    def _pause(self, seconds: float) -> None:
        stop = time.monotonic() + seconds
        while time.monotonic() < stop:
            self._check()
            time.sleep(0.05)

    def _rest(self, file: Wanted, arrival: Arrival) -> None:
        """One try to get the rest of a file."""
        headers = {"Range": "bytes=%d-" % arrival.offset} if arrival.offset else {}
        with ask(file.url, headers) as answer:
            etag = answer.headers.get("ETag")
            if file.etag is not None and etag is not None and etag != file.etag:
                raise RequestError("conflict", "%s is another content now" % shown(file.url), CHANGED)
            if arrival.offset and answer.status != 206:  # it knows no ranges: all of it comes again
                arrival.begin_anew()
            while True:
                self._check()
                block = piece(answer, BLOCK)
                if not block:
                    break
                arrival.write(block)
                with self._lock:
                    self.bytes += len(block)
        if arrival.offset < file.size:
            raise EOFError("the connection ended early")


def ask(url: str, headers: Dict[str, str]) -> Any:
    """What an address answers, opened. Raises RequestError for a refusal, OSError of the network."""
    asked = urllib.request.Request(url, headers=dict({"Accept-Encoding": "identity"}, **headers))
    try:
        return opener().open(asked, timeout=SECONDS)
    except urllib.error.HTTPError as problem:
        problem.close()
        if problem.code in AGAIN:
            raise
        words = "%s answered %d %s" % (shown(url), problem.code, str(problem.reason)[:100])
        kind = "not_found" if problem.code in (404, 410) else "refused"
        raise RequestError(kind, words, "see that the address is right, and may be read")
    except http.client.HTTPException as problem:
        raise ConnectionError(_broken(problem))


def piece(answer: Any, size: int) -> bytes:
    """The next bytes of what `ask` opened, b"" behind the last; raises ConnectionError where it is cut."""
    try:
        return bytes(answer.read(size))
    except (OSError, http.client.HTTPException) as problem:  # no disk has a part in this
        raise ConnectionError(_broken(problem))


def _broken(problem: BaseException) -> str:
    """An error of an answer in words, without what a server wrote there."""
    if isinstance(problem, OSError):
        return reason(problem)
    return "its answer broke off" if isinstance(problem, http.client.IncompleteRead) else "it speaks no HTTP"


def is_passing(problem: BaseException) -> bool:
    """Whether it may go better in a moment: the network's fault, not the disk's."""
    network = (urllib.error.URLError, socket.timeout, ConnectionError, EOFError)
    return isinstance(problem, network) or getattr(problem, "errno", None) is None


def reason(problem: BaseException) -> str:
    """An error of the network as a few words without an address."""
    if isinstance(problem, urllib.error.HTTPError):
        return "it answered %d" % problem.code
    inner = getattr(problem, "reason", None) or problem
    return str(getattr(inner, "strerror", None) or inner or type(problem).__name__)[:200]


def read_wanted(files: Any) -> List[Wanted]:
    """Files to be fetched, from a request; raises RequestError."""
    found = []
    for item in files if isinstance(files, list) else []:
        fine = (
            isinstance(item, dict)
            and isinstance(item.get("id"), str)
            and FILE_ID.match(item["id"])
            and isinstance(item.get("size"), int)
            and item["size"] >= 0
        )
        if not fine:
            raise RequestError("usage", "a file to be fetched is not {id, size, url}")
        etag = item.get("etag")
        found.append(
            Wanted(
                item["id"], item["size"], check_url(item.get("url")), etag if isinstance(etag, str) else None
            )
        )
    return found
