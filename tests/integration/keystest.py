# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of the key half share: a session with a scripted helper, and logind's mock.
# I/O: scratch homes, child processes, sockets.
import os
import subprocess
import sys
import unittest

from fakehelper import FakeHelper
from session import MOCK, NAME, Gio, GLib, Session

XDGTIDYD, XDGTIDY, XDGTIDY_KEYS, PIPE_KEYS = (os.path.abspath(path) for path in sys.argv[1:5])
CONF = ".config/xdgtidy/keyremap.conf"
PLAIN = "[ids]\n*\n[main]\ncapslock = z\n"
LOGIND, LOGIND_PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
SESSION_PATH = LOGIND_PATH + "/session/7"
SYSTEMD = "org.freedesktop.systemd1"


class KeysTest(unittest.TestCase):
    def setUp(self):
        self.session = Session(XDGTIDYD)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        self.session.env["DBUS_SYSTEM_BUS_ADDRESS"] = self.session.env["DBUS_SESSION_BUS_ADDRESS"]
        self.socket = self.session.path("run/keys.sock")

    def make_helper(self, **options):
        return FakeHelper(self.socket, **options)

    def start(self, *arguments, conf=PLAIN, server=False):
        if conf is not None:
            self.session.write(CONF, conf)
        if server:
            self.session.start_server()
        # No device here may be opened, and no program started, unless a test says so.
        self.session.start_daemon(f"--keys-socket={self.socket}", "--keys-helper=/bin/false",
                                  "--keys-devices=" + self.session.path("dev"), *arguments)

    def start_running(self, conf=PLAIN, server=False, **options):
        helper = self.make_helper(**options)
        self.start(conf=conf, server=server)
        self.session.wait(lambda: helper.keymap, "the keymap")
        return helper

    def status(self):
        return self.session.call("KeysStatus")

    def wait_state(self, state):
        return self.session.wait(lambda: (lambda report: report["state"] == state and report)(self.status()),
                                 f"state {state}")

    def assert_error(self, word, method, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            self.session.call(method, *arguments)
        self.assertIn(f"{NAME}.Error.{word}", caught.exception.message)
        return caught.exception.message

    # ---- logind ----

    def start_logind(self, active=True):
        session = self.session
        session.spawn([sys.executable, "-m", "dbusmock", "--system", "--template", "logind"],
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        session.wait(lambda: session.has_owner(LOGIND), "logind")
        self.logind("AddSession", "ssusb", "7", "seat0", os.getuid(), "user", active)

    def logind(self, method, signature, *arguments, path=LOGIND_PATH, interface=MOCK):
        return self.session.bus.call_sync(LOGIND, path, interface, method,
                                          GLib.Variant(f"({signature})", arguments), None,
                                          Gio.DBusCallFlags.NONE, -1, None).unpack()

    def set_session(self, **properties):
        values = {name: GLib.Variant("b", value) for name, value in properties.items()}
        self.logind("UpdateProperties", "sa{sv}", LOGIND + ".Session", values, path=SESSION_PATH)

    def emit(self, path, interface, member, signature, *arguments):
        self.logind("EmitSignal", "sssav", interface, member, signature,
                    [GLib.Variant(kind, value) for kind, value in zip(signature, arguments)], path=path)

    def inhibitors(self):
        return self.logind("ListInhibitors", "", interface=LOGIND + ".Manager")[0]
