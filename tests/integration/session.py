# SPDX-License-Identifier: GPL-3.0-or-later
# A desktop session for tests: a scratch home, a private bus, a notification server, the real xdgtidyd.
# I/O: scratch directories, child processes, sockets.
"""
    with Session(daemon_path) as session:
        session.start_server()
        session.start_daemon()
        session.write("Download/a")
        note = session.wait_note("Merge Download into Downloads?")
        session.press(note, "Merge")

Waiting is always for a condition: the main loop runs until it holds or the time is over. Nothing sleeps.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib

NAME = "io.github.xdgtidy.XdgTidy1"
PATH = "/io/github/xdgtidy/XdgTidy1"
NOTIFY_NAME = "org.freedesktop.Notifications"
NOTIFY_PATH = "/org/freedesktop/Notifications"
MOCK = "org.freedesktop.DBus.Mock"
PATIENCE = 30  # seconds: only a hang takes as long
LOOK_MSEC = 10

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={home}/run/bus</listen><auth>EXTERNAL</auth>{services}
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>
"""


class Note:
    """One Notify call as the server saw it."""

    def __init__(self, arguments, ident):
        self.replaces, self.summary, self.body = arguments[1], arguments[3], arguments[4]
        self.actions = dict(zip(arguments[5][1::2], arguments[5][0::2]))  # label -> key
        self.hints, self.id = arguments[6], ident


class Session:
    def __init__(self, daemon, has_bus=True):
        self.daemon_path, self.has_bus = daemon, has_bus
        self.home = os.path.realpath(tempfile.mkdtemp(prefix="xdgtidy-session-"))
        self.children, self.bus, self.daemon, self.server, self.signals = [], None, None, None, []
        self.bus_child, self.log = None, ""
        for name in ("run", ".config/xdgtidy", "Downloads", "services"):
            os.makedirs(self.path(name), mode=0o700)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("XDG_", "DBUS_", "LC_", "LANG"))
                    and k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self.env |= {"HOME": self.home, "XDG_RUNTIME_DIR": self.path("run"), "LC_ALL": "C.UTF-8",
                     "NOTIFY_SOCKET": self.path("run/notify"), "XDG_CONFIG_DIRS": self.path("etc")}
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.notify.bind(self.path("run/notify"))
        self.told = ""  # what the daemon told systemd
        self.write(".config/user-dirs.dirs", 'XDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
        self.configure("")

    def __enter__(self):
        if self.has_bus:
            self.start_bus()
        return self

    def __exit__(self, *unused):
        if self.bus is not None and not self.bus.is_closed():
            self.bus.close_sync(None)
        if os.environ.get("XDGTIDY_SHOW_LOG") and self.daemon is not None:
            print("# " + self.read_log().replace("\n", "\n# "))
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)
                child.kill()
            child.wait()
            if child.stderr is not None:
                child.stderr.close()
        self.notify.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- files ----

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text="x"):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)

    def configure(self, text):
        """Replaces xdgtidy.conf; a second is the shortest time that files can be asked to be quiet."""
        self.write(".config/xdgtidy/new", "[merge]\nsettle = 1s\n" + text)
        os.rename(self.path(".config/xdgtidy/new"), self.path(".config/xdgtidy/xdgtidy.conf"))

    def exists(self, name):
        return os.path.lexists(self.path(name))

    # ---- waiting ----

    def wait(self, condition, what="", patience=PATIENCE):
        """Runs the main loop until condition() is true; answers what it answered."""
        late = []
        limit = GLib.timeout_add(patience * 1000, lambda: late.append(1) or GLib.SOURCE_CONTINUE)
        look = GLib.timeout_add(LOOK_MSEC, lambda: GLib.SOURCE_CONTINUE)
        try:
            while not late:
                answer = condition()
                if answer:
                    return answer
                GLib.MainContext.default().iteration(True)
        finally:
            GLib.source_remove(limit)
            GLib.source_remove(look)
        raise AssertionError(f"waited in vain for {what or condition}; log:\n{self.read_log()}")

    def wait_gone(self, name, patience=PATIENCE):
        """Until there is nothing of that name; a failure tells what is."""
        try:
            self.wait(lambda: not self.exists(name), f"the end of {name}", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}\nleft: {list(os.walk(self.path(name)))}") from None

    def read_log(self):
        """What the daemon wrote to stderr up to now."""
        if self.daemon is not None and self.daemon.stderr is not None:
            os.set_blocking(self.daemon.stderr.fileno(), False)
            self.log += (self.daemon.stderr.read() or b"").decode("utf-8", "replace")
        return self.log

    def _read_told(self):
        try:
            while True:
                self.told += self.notify.recv(4096).decode() + "\n"
        except BlockingIOError:
            return self.told

    def forget_told(self):
        self._read_told()
        self.told = ""

    def wait_told(self, text):
        """Until the daemon told systemd that."""
        self.wait(lambda: text in self._read_told(), f"sd_notify {text}")

    # ---- the bus ----

    def start_bus(self):
        services = f"<servicedir>{self.path('services')}</servicedir>"
        self.write("bus.conf", BUS_CONFIG.format(home=self.home, services=services))
        self.bus_child = self.spawn(["dbus-daemon", "--nofork", "--config-file", self.path("bus.conf")],
                                    stderr=subprocess.DEVNULL)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={self.path('run/bus')}"
        self.bus = self.wait(self._connect, "the bus")
        self.bus.signal_subscribe(None, NAME, None, None, None, Gio.DBusSignalFlags.NONE, self._on_signal)

    def _connect(self):
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                 | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        try:
            return Gio.DBusConnection.new_for_address_sync(self.env["DBUS_SESSION_BUS_ADDRESS"], flags,
                                                           None, None)
        except GLib.Error:
            return None  # it does not listen yet

    def _on_signal(self, bus, sender, path, interface, member, arguments):
        self.signals.append((member, arguments.unpack()))

    def call(self, method, signature="()", *arguments, timeout=PATIENCE * 1000):
        """Calls the daemon and waits; answers the unpacked values."""
        reply = self.bus.call_sync(NAME, PATH, NAME, method, GLib.Variant(signature, arguments), None,
                                   Gio.DBusCallFlags.NO_AUTO_START, timeout, None)
        values = reply.unpack()
        return values[0] if values else None

    def merge(self, stray=b"", consented=True):
        return self.call("Merge", "(ayaya{sv})", stray, b"",
                         {"consented": GLib.Variant("b", consented)})

    def time_main_loop(self, seconds):
        """The slowest answer of the daemon's main loop over that time, in ms: (without, with) the time for which
        the daemon, the bus or this process stood in line for a processor. A busy machine delays everyone; a main loop
        that waits for somebody sleeps, and sleeping is not standing in line."""
        pids = (self.daemon.pid, self.bus_child.pid, os.getpid())
        worst, worst_gross = 0.0, 0.0
        end = monotonic_msec() + seconds * 1000
        while monotonic_msec() < end:
            waited = sum(waited_for_cpu_msec(pid) for pid in pids)
            begin = monotonic_msec()
            self.call("Cancel")  # answered by the main loop itself
            gross = monotonic_msec() - begin
            waited = sum(waited_for_cpu_msec(pid) for pid in pids) - waited
            worst, worst_gross = max(worst, gross - waited), max(worst_gross, gross)
        return worst, worst_gross

    def start_call(self, method, signature="()", *arguments):
        """Calls without waiting; what comes is appended to the answered list."""
        answers = []

        def on_reply(bus, result):
            try:
                answers.append(bus.call_finish(result).unpack())
            except GLib.Error as error:
                answers.append(error)

        self.bus.call(NAME, PATH, NAME, method, GLib.Variant(signature, arguments), None,
                      Gio.DBusCallFlags.NO_AUTO_START, PATIENCE * 1000, None, on_reply)
        return answers

    def has_owner(self, name):
        reply = self.bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus", "NameHasOwner",
                                   GLib.Variant("(s)", (name,)), None, Gio.DBusCallFlags.NONE, -1, None)
        return reply.unpack()[0]

    def wait_signal(self, member):
        """The first signal of that name since the last call of this."""
        def look():
            for i, (name, arguments) in enumerate(self.signals):
                if name == member:
                    del self.signals[:i + 1]
                    return (arguments,)
            return None
        return self.wait(look, f"signal {member}")[0]

    # ---- processes ----

    def spawn(self, command, **options):
        child = subprocess.Popen(command, env=self.env, cwd=self.home, **options)
        self.children.append(child)
        return child

    def start_daemon(self, *arguments, settle_ms=50, wait=True):
        self.read_log()
        self.forget_told()
        self.daemon = self.spawn([self.daemon_path, f"--settle-ms={settle_ms}", *arguments],
                                 stderr=subprocess.PIPE)
        if wait:
            self.wait_told("READY=1")
        if wait and self.has_bus:
            self.wait(lambda: self.has_owner(NAME), "the name")
        return self.daemon

    def wait_listens(self, text):
        """Until the daemon has asked the bus for signals by a rule that holds that text."""
        def look():
            rules = self.bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules", None,
                                       None, Gio.DBusCallFlags.NONE, -1, None).unpack()[0]
            owner = self.bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "GetNameOwner",
                                       GLib.Variant("(s)", (NAME,)), None, Gio.DBusCallFlags.NONE,
                                       -1, None).unpack()[0]
            return any(text in rule for rule in rules.get(owner, []))
        self.wait(look, f"a rule with {text!r}")

    def stop_daemon(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        return self.wait_exit()

    def wait_exit(self, child=None):
        child = child or self.daemon
        self.wait(lambda: child.poll() is not None, "the end of the daemon")
        return child.returncode

    # ---- notifications ----

    def start_server(self, capabilities="actions body body-markup"):
        self.server = self.spawn([sys.executable, "-m", "dbusmock", "--template", "notification_daemon",
                                  "-p", '{"capabilities": "%s"}' % capabilities],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait(lambda: self.has_owner(NOTIFY_NAME), "the notification server")

    def stop_server(self):
        self.server.kill()
        self.server.wait()
        self.wait(lambda: not self.has_owner(NOTIFY_NAME), "the end of the server")

    def _mock(self, method, signature, *arguments):
        return self.bus.call_sync(NOTIFY_NAME, NOTIFY_PATH, MOCK, method,
                                  GLib.Variant(signature, arguments), None, Gio.DBusCallFlags.NONE,
                                  -1, None).unpack()

    def notes(self):
        """Every Notify call that this server got, oldest first."""
        notes, new = [], 0
        for _, arguments in self._mock("GetMethodCalls", "(s)", "Notify")[0]:
            if not arguments[1]:
                new += 1
            notes.append(Note(arguments, arguments[1] or new))
        return notes

    def wait_note(self, summary, count=1):
        """The latest note whose summary holds that text, when there are that many."""
        def look():
            found = [note for note in self.notes() if summary in note.summary]
            return found[-1] if len(found) >= count else None
        return self.wait(look, f"note {summary!r}")

    def emit(self, member, signature, *arguments):
        self._mock("EmitSignal", "(sssav)", NOTIFY_NAME, member, signature,
                   [GLib.Variant(kind, value) for kind, value in zip(signature, arguments)])

    def press(self, note, label):
        """Presses a button as servers do: the note closes afterwards."""
        self.emit("ActionInvoked", "us", note.id, note.actions[label])
        self.emit("NotificationClosed", "uu", note.id, 2)


def waited_for_cpu_msec(pid):
    """How long the threads of a process stood in line for a processor (proc(5), schedstat)."""
    waited = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as numbers:
                waited += int(numbers.read().split()[1])
        except FileNotFoundError:
            pass  # the thread has ended
    return waited / 1e6


def monotonic_msec():
    return time.monotonic() * 1000
