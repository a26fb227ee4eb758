"""mDNS by python-zeroconf (extra `discovery`): announce one hub, look for hubs. What a record means is hubs.py's.

zeroconf runs in threads of its own and is imported when it is used; nothing here waits for the network on a hub's loop.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from robolink.errors import ConfigError, RemoteProtocolError
from robolink.transports.hubs import SERVICE_TYPE, HubRecord, from_mdns, instance_label, to_txt
from robolink.transports.lanes import split_endpoint

if TYPE_CHECKING:
    import zeroconf

log = logging.getLogger(__name__)

MAX_HUBS: Final = 256
ASK_MS: Final = 1000
END_S: Final = 5.0
ASKERS: Final = 4
WILDCARDS: Final = ("0.0.0.0", "::", "*")


def library() -> Any:
    """The zeroconf package.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import zeroconf
    except ImportError as exc:
        raise ConfigError(
            "mDNS needs the package zeroconf", hint='pip install "robolink[discovery]"'
        ) from exc
    return zeroconf


def _open(interfaces: Sequence[str]) -> zeroconf.Zeroconf:
    package = library()
    for address in interfaces:
        # zeroconf leaves a socket open if an address is not this machine's.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    opened: zeroconf.Zeroconf = package.Zeroconf(
        interfaces=list(interfaces) or package.InterfaceChoice.Default
    )
    return opened


class Announcer:
    """Announces one hub until it is closed.

    Args:
        record: What is announced; a wildcard address stands for the addresses of `interfaces`, or of this machine.
        interfaces: Addresses of the interfaces to announce on; none: the one of the url, or the default one.

    Attributes:
        counters: Announcements that failed.

    Raises:
        ConfigError: zeroconf is not installed, or a text of the record is too long.
    """

    def __init__(self, record: HubRecord, interfaces: Sequence[str] = ()) -> None:
        """Nothing is sent before `start`."""
        library()
        self.counters: Counter[str] = Counter()
        self._record, self._txt = record, to_txt(record)
        host, self._port = split_endpoint(record.url)
        self._host = "" if host in WILDCARDS else host
        self._interfaces = tuple(interfaces) or ((self._host,) if self._host else ())
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mdns", daemon=True)

    def start(self) -> None:
        """Announce, from a thread; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Take it back."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(END_S)

    def _run(self) -> None:
        zeroconf = library()
        try:
            link = _open(self._interfaces)
        except OSError as exc:
            self._failed(exc)
            return
        try:
            info = zeroconf.ServiceInfo(
                SERVICE_TYPE,
                f"{instance_label(self._record.name)}.{SERVICE_TYPE}",
                port=self._port,
                properties=self._txt,
                parsed_addresses=list(self._addresses()),
            )
            link.register_service(info, allow_name_change=True)
            log.info("announced as %s by mDNS", info.name)
            self._ending.wait()
        except (OSError, zeroconf.Error, TimeoutError) as exc:
            self._failed(exc)
        finally:
            link.close()  # takes back what was announced

    def _failed(self, exc: Exception) -> None:
        self.counters["announce_failed"] += 1
        log.error("this hub is not announced by mDNS: %s", str(exc) or type(exc).__name__)

    def _addresses(self) -> Sequence[str]:
        if self._host:
            return (self._host,)
        if self._interfaces:
            return self._interfaces
        import ifaddr

        found = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
        return [each for each in found if not each.startswith(("127.", "169.254."))] or found


class Browser:
    """Hubs that announce themselves, as they come; a context manager.

    Attributes:
        counters: Announcements that were left out, by reason.
    """

    def __init__(self, interfaces: Sequence[str] = ()) -> None:
        """Look on these interfaces (addresses); none: the default one.

        Raises:
            ConfigError: zeroconf is not installed, or there is no such interface.
        """
        self.counters: Counter[str] = Counter()
        self._found: dict[str, HubRecord] = {}
        self._changed = threading.Condition()
        package = library()
        try:
            self._link = _open(interfaces)
        except OSError as exc:
            where = ", ".join(interfaces) or "this machine"
            raise ConfigError(f"cannot look for hubs by mDNS on {where}: {exc.strerror}") from exc
        self._askers = ThreadPoolExecutor(ASKERS, thread_name_prefix="mdns")
        self._asking = 0
        self._gone = package.ServiceStateChange.Removed
        self._browser = package.ServiceBrowser(self._link, SERVICE_TYPE, handlers=[self._changed_service])

    def __enter__(self) -> Browser:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._browser.cancel()
        self._askers.shutdown(cancel_futures=True)
        self._link.close()

    def hubs(self) -> list[HubRecord]:
        """Those found so far, by name and address."""
        with self._changed:
            return sorted(self._found.values(), key=lambda each: (each.name, each.url))

    def wait(self, name: str, timeout_s: float, *, count: int = 1) -> bool:
        """Until so many hubs of that name are found; False after the timeout."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(each.name == name for each in self._found.values()) >= count, timeout_s
            )

    def _changed_service(
        self, zeroconf: zeroconf.Zeroconf, service_type: str, name: str, state_change: object
    ) -> None:
        with self._changed:
            if state_change is self._gone:
                self._found.pop(name, None)
                return
            if self._asking + len(self._found) >= MAX_HUBS and name not in self._found:
                self.counters["too_many"] += 1
                return
            self._asking += 1
        self._askers.submit(self._ask, zeroconf, service_type, name)

    def _ask(self, link: zeroconf.Zeroconf, service_type: str, name: str) -> None:
        try:
            record = self._look_up(link, service_type, name)
        finally:
            with self._changed:
                self._asking -= 1
        if record is not None:
            with self._changed:
                self._found[name] = record
                self._changed.notify_all()

    def _look_up(self, link: zeroconf.Zeroconf, service_type: str, name: str) -> HubRecord | None:
        info = link.get_service_info(service_type, name, ASK_MS)
        addresses = info.parsed_addresses(library().IPVersion.V4Only) if info is not None else []
        if info is None or not addresses or info.port is None:
            self.counters["unanswered"] += 1
            return None
        try:
            return from_mdns(info.properties, addresses[0], info.port)
        except RemoteProtocolError as exc:
            self.counters["impossible"] += 1
            log.warning("left out %r found by mDNS: %s", name, exc)
            return None
