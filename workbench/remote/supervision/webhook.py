"""Posting JSON to an address somebody gave, without becoming a way into networks that this machine can reach.

The host has to be on an allow list; its name is resolved once and the connection goes to an address that was
looked at; private, loopback and link-local ones have to be on the list themselves; no redirect is followed,
no proxy is asked, everything has one deadline. Both sides use this: the local server and a run's supervisor.
"""

import hashlib
import hmac
import ipaddress
import re
import socket
import ssl
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union
from urllib.parse import urlsplit

MAX_URL = 2048
MAX_BODY = 256 * 1024  # bytes of what is posted
MAX_HEAD = 64 * 1024  # bytes of an answer's head; its body is never read
MAX_ADDRESSES = 4
AGAIN_STATUS = (408, 425, 429)  # beside 5xx: it may go better later
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
HOST = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\Z")

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Resolve = Callable[..., Sequence[Tuple[Any, ...]]]

# secure: https. host: lower case, without brackets. path: with the query, as it is sent.
Place = NamedTuple("Place", [("secure", bool), ("host", str), ("port", int), ("path", str)])


class Undelivered(Exception):
    """It could not be posted. again: whether it may go better later; a sentence says why."""

    def __init__(self, message, again=True):
        # type: (str, bool) -> None
        super(Undelivered, self).__init__(message)
        self.message = message
        self.again = again


def place_of(url, plain_http=False):
    # type: (str, bool) -> Place
    """Where a URL leads. Raises Undelivered, in words, for one that nothing is posted to."""
    if len(url) > MAX_URL or any(ord(letter) <= 32 or ord(letter) >= 127 for letter in url) or "\\" in url:
        raise Undelivered("the address is too long or has characters that are none of an address", False)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Undelivered("the address cannot be read", False)
    if parts.scheme not in ("https", "http"):
        raise Undelivered("the address has to begin with https://", False)
    if parts.scheme == "http" and not plain_http:
        raise Undelivered("plain http can be read and changed on its way; use https, or allow it", False)
    if "@" in parts.netloc:
        raise Undelivered("a name or password in the address would be kept in records; leave it out", False)
    host = (parts.hostname or "").lower().rstrip(".")
    if not HOST.match(host) and literal(host) is None:
        raise Undelivered("the address names no host", False)
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    secure = parts.scheme == "https"
    return Place(secure, host, port or (443 if secure else 80), path)


def literal(text):
    # type: (str) -> Optional[Address]
    """The IP address a text is; None for a name."""
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def check_allowed(place, allow):
    # type: (Place, Sequence[str]) -> None
    """Raise Undelivered unless the allow list names the host, as HOST or HOST:PORT."""
    shown = "[%s]" % place.host if ":" in place.host else place.host
    wanted = (place.host, shown, "%s:%d" % (shown, place.port))
    if not any(entry.strip().lower().rstrip(".") in wanted for entry in allow):
        raise Undelivered("%s is not on the allow list" % place.host, False)


def is_public(address):
    # type: (Address) -> bool
    """Whether an address is anybody's on the internet; one that carries another is judged by that one."""
    inner = None  # type: Optional[Address]
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        else:
            inner = address.ipv4_mapped or address.sixtofour
            if inner is None and address.teredo is not None:
                return False
    if inner is not None:
        return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def addresses_of(place, allow, resolve=socket.getaddrinfo):
    # type: (Place, Sequence[str], Resolve) -> List[Tuple[int, Tuple[Any, ...]]]
    """Family and socket address of each address a host has, all of them looked at. Resolves once.

    Raises Undelivered when the name is not found, or when any of its addresses may not be reached: a name
    with a public and a private address is a trap.
    """
    try:
        answers = resolve(place.host, place.port, 0, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise Undelivered("%s is not found: %s" % (place.host, why))
    named = [literal(entry) for entry in allow]
    found = []  # type: List[Tuple[int, Tuple[Any, ...]]]
    for family, _, _, _, sockaddr in answers:
        if family not in (socket.AF_INET, socket.AF_INET6):
            continue
        address = literal(str(sockaddr[0]).partition("%")[0])
        if address is None or not (is_public(address) or address in named):
            raise Undelivered(
                "%s leads to %s, an address of a private network; name that address on the allow list"
                " if it is meant" % (place.host, sockaddr[0]),
                False,
            )
        found.append((family, sockaddr))
    if not found:
        raise Undelivered("%s has no address" % place.host)
    return found[:MAX_ADDRESSES]


def signature(secret, moment, body):
    # type: (bytes, int, bytes) -> str
    """What X-Workbench-Signature says: HMAC-SHA256 of "SECONDS.BODY" in hex."""
    signed = b"%d." % moment + body
    return "sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()


def post(
    url,  # type: str
    body,  # type: bytes
    allow,  # type: Sequence[str]
    headers=None,  # type: Optional[Mapping[str, str]]
    secret=None,  # type: Optional[bytes]
    plain_http=False,  # type: bool
    seconds=10.0,  # type: float
    resolve=socket.getaddrinfo,  # type: Resolve
    context=None,  # type: Optional[ssl.SSLContext]
):
    # type: (...) -> int
    """Post a JSON body; the status of the answer, 200 to 299. Raises Undelivered.

    secret: signs the body (`signature`). seconds: for all of it but the name's resolution. context: for TLS;
    the host's certificate is checked either way.
    """
    if len(body) > MAX_BODY:
        raise Undelivered("what is to be posted is larger than %d bytes" % MAX_BODY, False)
    place = place_of(url, plain_http)
    check_allowed(place, allow)
    known = addresses_of(place, allow, resolve)
    said = {"Content-Type": "application/json", "User-Agent": "mlworkbench"}  # type: Dict[str, str]
    said.update(headers or {})
    if secret is not None:
        moment = int(time.time())
        said["X-Workbench-Time"] = str(moment)
        said["X-Workbench-Signature"] = signature(secret, moment, body)
    deadline = time.monotonic() + seconds
    try:
        connection = _connected(place, known, deadline, context)
        try:
            _within(connection, deadline)
            connection.sendall(_request(place, said, body))
            status = _status(connection, deadline)
        finally:
            connection.close()
    except socket.timeout:
        raise Undelivered("%s did not answer within %g s" % (place.host, seconds))
    except ssl.SSLError as error:
        raise Undelivered("TLS with %s failed: %s" % (place.host, error.reason or error))
    except OSError as error:
        raise Undelivered("%s cannot be reached: %s" % (place.host, error.strerror or error))
    return _judged(place, status)


def _connected(place, known, deadline, context):
    # type: (Place, List[Tuple[int, Tuple[Any, ...]]], float, Optional[ssl.SSLContext]) -> socket.socket
    """A connection to the first of the known addresses that takes it; the name is not resolved again."""
    problem = OSError("it has no address")
    for family, sockaddr in known:
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            _within(plain, deadline)
            plain.connect(sockaddr)
            if not place.secure:
                return plain
            secured = (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=place.host)
            return secured
        except OSError as error:
            plain.close()
            problem = error
    raise problem


def _within(connection, deadline):
    # type: (socket.socket, float) -> None
    """Let the next step take what time is left; raises socket.timeout when none is."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout("timed out")
    connection.settimeout(left)


def _request(place, headers, body):
    # type: (Place, Mapping[str, str], bytes) -> bytes
    host = "[%s]" % place.host if ":" in place.host else place.host
    usual = 443 if place.secure else 80
    lines = ["POST %s HTTP/1.1" % place.path]
    lines.append("Host: %s%s" % (host, "" if place.port == usual else ":%d" % place.port))
    lines += ["%s: %s" % (name, re.sub(r"[^ -~]", "?", value)) for name, value in headers.items()]
    lines += ["Content-Length: %d" % len(body), "Connection: close", "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def _status(connection, deadline):
    # type: (socket.socket, float) -> int
    """The status of an answer, what comes before the final one (1xx) passed over."""
    received = b""
    while len(received) < MAX_HEAD:
        head, end, rest = received.partition(b"\r\n\r\n")
        line = re.match(rb"HTTP/1\.[01] (\d\d\d)[ \r]", received)
        if line is not None and (end or not line.group(1).startswith(b"1")):
            if not line.group(1).startswith(b"1"):
                return int(line.group(1))
            received = rest
            continue
        if received and not b"HTTP/1.".startswith(received[:7]):
            break
        _within(connection, deadline)
        piece = connection.recv(4096)
        if not piece:
            break
        received += piece
    raise Undelivered("the answer is no HTTP")


def _judged(place, status):
    # type: (Place, int) -> int
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        words = "%s answers with a redirect (%d), which is not followed; give the address it leads to"
        raise Undelivered(words % (place.host, status), False)
    raise Undelivered("%s answers %d" % (place.host, status), status >= 500 or status in AGAIN_STATUS)
