"""The one client for requests to addresses that somebody else named: a user, a message, a plugin.

It asks public addresses only. The name is looked up here, every address that it has is checked, and the connection goes
to one of those very addresses, so that a name which answers differently the second time gains nothing. Redirects are
followed here as well, each checked anew. A request ends at its time limit, however slowly the peer sends, and an answer
has a greatest size. Neither proxies of the environment, nor cookies, nor stored passwords play any part.

Everything blocks: call it in a worker thread. The time limit does not count the system's look-up of the name.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urljoin, urlsplit

import msgspec
from requests.utils import DEFAULT_CA_BUNDLE_PATH

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""Host and port -> its addresses as text. Raises OSError."""

MAX_URL = 2048
MAX_ADDRESSES = 4
"""Of those that a name has, so many are tried."""
CHUNK = 65_536
WELL_KNOWN = 1024
"""Ports below it belong to services of which only HTTP is meant here."""
SAFE_ELSEWHERE = frozenset({"accept", "content-type", "user-agent"})
"""Headers that follow a redirect to another origin; any other may be a secret."""

NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa")


class OutboundError(Exception):
    """The request brought no answer. The text is for the log, not for whoever named the address."""


class RefusedAddress(OutboundError):
    """This address is not asked."""


class Answer(msgspec.Struct, frozen=True):
    """headers: names in lower case. url: where it came from in the end."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str


class Target(msgspec.Struct, frozen=True):
    """A checked URL. host: without brackets. path: with the query."""

    scheme: str
    host: str
    port: int
    path: str


def is_public(address: Address) -> bool:
    """Whether an address is somewhere on the open internet. What carries an IPv4 address is judged by that."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_IPV6:
            return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)


def is_own(address: Address) -> bool:
    """Whether it is an address of this machine: then the way to it begins where it ends. Sends nothing."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))
        return ipaddress.ip_address(probe.getsockname()[0]) == address
    return False


def is_foreign(address: Address) -> bool:
    """The rule for addresses that may be asked."""
    return is_public(address) and not is_own(address)


def check_url(url: str, *, http: bool = False) -> Target:
    """Take a URL apart. http: whether it may be unencrypted. Looks no name up; raises RefusedAddress for what clearly
    lies elsewhere than on the open internet."""
    if len(url) > MAX_URL or re.fullmatch(r"[\x21-\x5b\x5d-\x7e]+", url) is None:
        raise RefusedAddress(f"not a URL of at most {MAX_URL} visible ASCII characters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise RefusedAddress(f"not a URL: {error}") from None
    if parts.scheme not in (("https", "http") if http else ("https",)):
        raise RefusedAddress("only https is allowed")
    if "@" in parts.netloc:
        raise RefusedAddress("a URL with a name or password")
    usual = 443 if parts.scheme == "https" else 80
    port = usual if port is None else port
    if port < WELL_KNOWN and port not in (80, 443):
        raise RefusedAddress(f"port {port} is not for HTTP")
    _check_host(host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def _check_host(host: str) -> None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if "." not in host or host.endswith(tuple(f".{name}" for name in LOCAL_NAMES)):
            raise RefusedAddress("not a name of the open internet") from None
    else:
        if not is_public(address):
            raise RefusedAddress("not a public address")


def look_up(host: str, port: int) -> list[str]:
    """By the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outbound:
    """Safe to use from several threads."""

    def __init__(
        self,
        *,
        http: bool = False,
        resolve: Resolver = look_up,
        may_ask: Callable[[Address], bool] = is_foreign,
        check: Callable[..., Target] = check_url,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """http: whether addresses may be unencrypted. The others are for tests."""
        self._http = http
        self._resolve = resolve
        self._may_ask = may_ask
        self._check = check
        self._context = context
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        max_bytes: int = 1_048_576,
        redirects: int = 3,
    ) -> Answer:
        """One request and at most so many redirects, all of them together within the time. A redirect of anything but
        GET and HEAD is followed only where it keeps the method (307, 308). Raises OutboundError."""
        ends_at = time.monotonic() + timeout_s
        given = {name.lower(): value for name, value in (headers or {}).items()}
        given.setdefault("accept-encoding", "identity")
        for _ in range(redirects + 1):
            target = self._check(url, http=self._http)
            answer = self._one(method, url, target, body, given, ends_at, max_bytes)
            location = answer.headers.get("location")
            keeps = answer.status in (307, 308) or (answer.status in (301, 302, 303) and method in ("GET", "HEAD"))
            if not keeps or location is None or redirects == 0:
                return answer
            url = urljoin(url, location)
            after = self._check(url, http=self._http)
            if (after.scheme, after.host, after.port) != (target.scheme, target.host, target.port):
                given = {name: value for name, value in given.items() if name in SAFE_ELSEWHERE}
        raise OutboundError(f"more than {redirects} redirects")

    def _one(
        self,
        method: str,
        url: str,
        target: Target,
        body: bytes | None,
        headers: Mapping[str, str],
        ends_at: float,
        max_bytes: int,
    ) -> Answer:
        try:
            with self._connected(target, ends_at) as (sock, cut):
                connection = self._connection(target, sock, ends_at)
                with contextlib.closing(connection):
                    connection.request(method, target.path, body, dict(headers))
                    with contextlib.closing(connection.getresponse()) as response:
                        content = _read(response, max_bytes)
                        if cut.is_set():
                            raise OutboundError("took too long")
                        if response.length:
                            raise OutboundError("the answer ended early")
                        named = {name.lower(): value for name, value in response.getheaders()}
                        return Answer(response.status, named, content, url)
        except OutboundError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = time.monotonic() >= ends_at
            raise OutboundError("took too long" if late else f"{type(error).__name__}: {error}") from error

    def _addresses(self, target: Target) -> list[str]:
        """Of the name. Raises RefusedAddress unless all of them may be asked."""
        found = self._resolve(target.host, target.port)
        if not found:
            raise OutboundError("the name has no address")
        for text in found:
            if not self._may_ask(ipaddress.ip_address(text.partition("%")[0])):
                raise RefusedAddress("the name has an address that is not public")
        return list(found[:MAX_ADDRESSES])

    @contextlib.contextmanager
    def _connected(self, target: Target, ends_at: float) -> Iterator[tuple[socket.socket, threading.Event]]:
        """A connection to one of the checked addresses, which breaks when the time is over; then the event is set."""
        failure: OSError | None = None
        addresses = self._addresses(target)
        for number, address in enumerate(addresses):
            try:
                # the address is a number: nothing is looked up any more
                timeout_s = _left_s(ends_at) / (len(addresses) - number)
                sock = socket.create_connection((address, target.port), timeout_s)
            except OSError as error:
                failure = error
            else:
                break
        else:
            raise failure or OutboundError("no address")
        # A second handle: TLS takes the first one over, and a limit for each read would not end a slow drip.
        handle, cut = sock.dup(), threading.Event()

        def end() -> None:
            cut.set()
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(_left_s(ends_at), end)
        timer.daemon = True
        timer.start()
        try:
            yield sock, cut
        finally:
            timer.cancel()
            timer.join()
            handle.close()
            sock.close()

    def _connection(self, target: Target, sock: socket.socket, ends_at: float) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if target.scheme == "http":
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = sock
        else:
            context = self._tls()
            connection = http.client.HTTPSConnection(target.host, target.port, context=context)
            connection.sock = context.wrap_socket(sock, server_hostname=target.host)
        connection.sock.settimeout(_left_s(ends_at))
        return connection

    def _tls(self) -> ssl.SSLContext:
        """Made at the first use: reading the certificates takes a while."""
        with self._lock:
            if self._context is None:
                self._context = ssl.create_default_context()
                self._context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
            return self._context


def _left_s(ends_at: float) -> float:
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise OutboundError("took too long")
    return left_s


def _read(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    content = bytearray()
    while chunk := response.read1(CHUNK):
        content += chunk
        if len(content) > max_bytes:
            raise OutboundError(f"the answer has more than {max_bytes} bytes")
    return bytes(content)
