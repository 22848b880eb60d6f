#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest with a kernel, a systemd, a desktop and keyboards of its own, under QEMU without KVM. I/O.
"""The test guest.

    with vm.VM("desktop") as guest:             # a saved state, resumed in about 2 s; nothing is written back
        guest.install()                         # the build under test, by meson install
        guest.sh("id")                          # as root; raises vm.Failed unless the status is 0
        guest.sh("xdgtidy status", user="tester")
        guest.wait_for("test -e /tmp/there")
        guest.tap("caps_lock")                  # the emulated PS/2 keyboard
        guest.screenshot("question")            # question.png among the test's results

When the block is left by an exception, the guest's journal, the tail of its console and a screenshot are kept.

By hand, from the project's folder; the current folder is /host in the guest:

    tests/vm/vm.py [-u USER] [--state ready|desktop|cold] [--install] [--shot NAME] COMMAND...

XDGTIDY_VM_BUILD is the build folder (else build/), XDGTIDY_VM_RESULTS where screenshots and logs go (else below it).
"""
import argparse
import base64
import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("XDGTIDY_VM_BUILD") or f"{HERE}/../../build")
RESULTS = os.path.abspath(os.environ.get("XDGTIDY_VM_RESULTS") or f"{BUILD}/tests/vm/results")
QEMU = "qemu-system-x86_64"

# Longest wait for anything that is sure to come. Generous: a busy host runs a guest ten times slower than a quiet one.
PATIENCE_SEC = 120
BOOT_SEC = 600
POLL_SEC = 0.1
# The emulated keyboard keeps 16 bytes, 3 a tap, until the guest takes them; what comes then is dropped.
KEY_PAUSE_SEC = 0.1
# Of each log of a failure; the whole is in a file.
SHOWN_LINES = 40

# Fast under emulation: no mitigations, no calibration against a clock that the host's load delays, no self-tests.
KERNEL_ARGS = ("console=ttyS0 8250.nr_uarts=1 mitigations=off nokaslr no_timer_check cryptomgr.notests tsc=reliable "
               "random.trust_cpu=on quiet")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UIDS = {"tester": 1000, "other": 1001}


def machine(folder, sockets, share):
    """The guest's hardware. A saved state fits only the hardware it was saved with."""
    return [
        "-M", "pc-i440fx-7.2", "-accel", "tcg,thread=multi", "-cpu", "qemu64", "-m", "1024", "-smp", "2",
        "-nodefaults", "-display", "none", "-no-reboot", "-device", "virtio-vga,xres=1024,yres=768",
        "-device", "qemu-xhci",
        "-kernel", f"{folder}/vmlinux", "-initrd", f"{folder}/initrd", "-append", KERNEL_ARGS,
        "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
        "-device", "virtio-serial-pci", "-chardev", f"socket,path={sockets}/agent,server=on,wait=off,id=agent",
        "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        "-virtfs", f"local,path={share},mount_tag=host,security_model=none,multidevs=remap",
        "-qmp", f"unix:{sockets}/qmp,server=on,wait=off", "-serial", f"file:{sockets}/console"]


class Failed(Exception):
    """The guest, or a command in it, did not do what it should."""


class Lines:
    """A client of JSON lines on a unix socket: QMP and the guest agent both speak this."""

    def __init__(self, path):
        self.buffer = b""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_SEC)
        self.sock.connect(path)

    def send(self, message, prefix=b""):
        self.sock.sendall(prefix + json.dumps(message).encode() + b"\n")

    def receive(self):
        while b"\n" not in self.buffer:
            data = self.sock.recv(1 << 16)
            if not data:
                raise Failed("QEMU went away")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line.lstrip(b"\xff"))

    def call(self, command, **arguments):
        self.send({"execute": command, "arguments": arguments})
        while True:
            reply = self.receive()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise Failed(f"{command}: {reply['error']['desc']}")
            # anything else is an event of QMP


class VM:
    """One run of the guest. What it writes to its root disk is thrown away, unless `disk` names one to keep."""

    def __init__(self, state="ready", share=None, disk=None):
        self.state = state
        self.image = image()
        self.dir = tempfile.mkdtemp(prefix="vm.")       # short: it holds sockets
        self.share = share or os.path.join(self.dir, "share")
        os.makedirs(self.share, exist_ok=True)
        self.process = self.monitor = self.agent = None
        self.plugged = 0
        if disk:
            self.drive = f"file={disk},format=qcow2,cache=unsafe"
        elif state == "cold":
            self.drive = f"file={self.image}/disk.img,format=raw,snapshot=on,cache=unsafe"
        else:
            build_state(state)
            self.drive = f"file={state_path(state)}.qcow2,format=qcow2,snapshot=on,cache=unsafe"

    def __enter__(self):
        try:
            self._start()
        except BaseException as error:
            self._explain(error)
            self._end()
            raise
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and not isinstance(error, unittest.SkipTest):
            self._explain(error)
        self._end()

    def _argv(self):
        argv = [QEMU, *machine(self.image, self.dir, self.share), "-drive", f"{self.drive},if=virtio"]
        if self.state != "cold":
            argv += ["-incoming", f"exec:cat {shlex.quote(state_path(self.state))}.state"]
        return argv

    def _start(self):
        self.process = subprocess.Popen(    # QEMU must not outlive us, however we end
            self._argv(), stdin=subprocess.DEVNULL,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
        deadline = time.monotonic() + PATIENCE_SEC
        while self.monitor is None:
            try:
                self.monitor = Lines(f"{self.dir}/qmp")
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failed("QEMU did not start") from None
                time.sleep(POLL_SEC)
        self.monitor.receive()
        self.qmp("qmp_capabilities")
        self.agent = Lines(f"{self.dir}/agent")
        if self.state != "cold":
            while self.qmp("query-status")["status"] == "inmigrate":
                time.sleep(POLL_SEC)
            self.qmp("cont")
        self._sync_agent()
        if self.state == "cold":
            self.sh("systemctl is-system-running --wait && "
                    "systemctl --machine=tester@.host --user is-system-running --wait", timeout=BOOT_SEC)
        self.agent.call("guest-set-time", time=time.time_ns())
        self.sh("mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none host /host")

    def _sync_agent(self):
        """Waits for the agent, and drops what an earlier client left in its channel."""
        token = time.time_ns() & 0x7fffffff
        self.agent.sock.settimeout(BOOT_SEC)
        self.agent.send({"execute": "guest-sync-delimited", "arguments": {"id": token}}, prefix=b"\xff")
        while self.agent.receive().get("return") != token:
            pass
        self.agent.sock.settimeout(PATIENCE_SEC)

    def _end(self):
        if self.process:
            self.kill()
        for client in filter(None, (self.monitor, self.agent)):
            client.sock.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _explain(self, error):
        """What is needed to understand a failure: files in RESULTS, and the end of each on stderr."""
        name = f"failed-{time.strftime('%H%M%S')}-{os.getpid()}"
        print(f"vm: {type(error).__name__}: {error}", file=sys.stderr)
        with contextlib.suppress(Exception):
            print(f"vm: screenshot: {self.screenshot(name)}", file=sys.stderr)
        texts = {}
        with contextlib.suppress(Exception):
            code, out, err = self.run("ps -eo pid,ppid,user,stat,rss,wchan:20,args; "
                                      "journalctl -b --no-pager -o short-precise -n 2000 | grep -v qemu-ga")
            texts["journal"] = out + (err and f"status {code}: {err}")
        with contextlib.suppress(Exception):
            with open(f"{self.dir}/console", encoding="utf-8", errors="replace") as file:
                texts["console"] = file.read()
        for what, text in texts.items():
            with contextlib.suppress(OSError), open(result_path(f"{name}.{what}"), "w", encoding="utf-8") as file:
                file.write(text)
            print(f"vm: ---- {what} (whole: {RESULTS}/{name}.{what}) ----", file=sys.stderr)
            print("\n".join(text.splitlines()[-SHOWN_LINES:]), file=sys.stderr)

    # ---- commands ----

    def run(self, command, user=None, timeout=PATIENCE_SEC, stdin=b"", manager=False):
        """A shell command -> (status, stdout, stderr). As root, or as a user with his bus; with `manager` as a unit
        of his systemd --user, where it sees that one's environment and limits."""
        argv = ["timeout", "-k", "2", str(timeout), "bash", "-c", command]
        if user and manager:
            argv = ["systemd-run", f"--machine={user}@.host", "--user", "--wait", "--collect", "--pipe", "--quiet",
                    f"--working-directory=/home/{user}", "--", *argv]
        elif user:
            uid = UIDS[user]
            argv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--init-groups", "env", "-C", f"/home/{user}",
                    f"HOME=/home/{user}", f"USER={user}", f"XDG_RUNTIME_DIR=/run/user/{uid}",
                    f"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{uid}/bus", *argv]
        pid = self.agent.call("guest-exec", **{
            "path": argv[0], "arg": argv[1:], "capture-output": True, "input-data": base64.b64encode(stdin).decode(),
            "env": [f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8"]})["pid"]
        pause = 0.01
        deadline = time.monotonic() + timeout + PATIENCE_SEC
        while not (status := self.agent.call("guest-exec-status", pid=pid))["exited"]:
            if time.monotonic() > deadline:
                raise Failed(f"no end after {timeout} s, nor by a signal: {command}")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        out, err = (base64.b64decode(status.get(key, "")).decode(errors="replace") for key in ("out-data", "err-data"))
        return status.get("exitcode", 128 + status.get("signal", 0)), out, err

    def sh(self, command, ok=(0,), **options):
        """The same; its standard output. A status that is not in `ok` is Failed."""
        code, out, err = self.run(command, **options)
        if code not in ok:
            raise Failed(f"status {code}: {command}\n{out}{err}")
        return out

    def wait_for(self, command, timeout=PATIENCE_SEC, **options):
        """Until the command succeeds; its output."""
        deadline = time.monotonic() + timeout
        while True:
            code, out, err = self.run(command, **options)
            if code == 0:
                return out
            if time.monotonic() > deadline:
                raise Failed(f"waited {timeout} s in vain for: {command}\n{out}{err}")
            time.sleep(POLL_SEC)

    def copy_in(self, path, to):
        """A file or a folder's contents, by way of /host. One tar: many small files are slow by 9p."""
        source = ["-C", path, *os.listdir(path)] if os.path.isdir(path) else ["-C", *os.path.split(path)]
        with tempfile.NamedTemporaryFile(dir=self.share, suffix=".tar") as tar:
            os.chmod(tar.name, 0o644)
            subprocess.run(["tar", "-c", "-f", tar.name, "--owner=root", "--group=root", *source], check=True)
            self.sh(f"mkdir -p {to} && tar -x --no-overwrite-dir -f /host/{os.path.basename(tar.name)} -C {to}")

    def wait_for_reader(self, keyboard, reader="Xorg"):
        """Until that program has the clone of the keyboard open: a key before that is lost on it."""
        node = (f"awk -v RS= '/Phys=xdgtidy-keys/ && /Name=\"{keyboard}\"/ {{ match($0, /event[0-9]+/); "
                "print substr($0, RSTART, RLENGTH) }' /proc/bus/input/devices")
        self.wait_for(f"ls -l /proc/$(pgrep -x {reader})/fd | grep -q \"/dev/input/$({node})$\"")

    def install(self):
        """The build under test, as a package would put it there: files, then what systemd, udev and the bus must know."""
        self.copy_in(product(), "/")
        self.sh("systemd-sysusers && udevadm control --reload && udevadm trigger --name-match=uinput && udevadm settle && "
                "systemctl daemon-reload")
        self.sh("systemctl --user daemon-reload && "
                "busctl --user --quiet call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig", user="tester")

    def add_tools(self):
        """The programs of inside/ as /tools."""
        self.copy_in(f"{HERE}/inside", "/tools")
        for name in ("keytool", "intruder"):
            self.copy_in(f"{BUILD}/tests/vm/{name}", "/tools")

    def arm_stop(self, pid, call, count):
        """The process will stand still right after it has made that system call so many times in one of its threads."""
        self.sh("rm -f /run/stopper.log; systemd-run --quiet --collect --unit=stopper strace -f -qq -o /run/stopper.log "
                f"-e trace={call} -e inject={call}:signal=SIGSTOP:when={count} -p {pid}")
        self.wait_for(f"! grep -q 'TracerPid:.0$' /proc/{pid}/task/*/status")

    def wait_for_stop(self):
        self.wait_for("grep -q 'stopped by SIGSTOP' /run/stopper.log")
        self.sh("systemctl stop stopper")

    def session(self, user, vt, command, kind="tty"):
        """A session of logind on seat0, as a display manager opens one: PAM, a VT of its own, brought to the front."""
        # In a file: systemd 252 does not read back a command of several lines after a daemon-reload.
        script = f"/run/session-vt{vt}"
        self.sh(f"cat >{script}; chmod 755 {script}", stdin=command.encode())
        self.sh(f"systemd-run --quiet --collect --unit=session-vt{vt} -p User={user} -p PAMName=login "
                f"-p WorkingDirectory=/home/{user} -p TTYPath=/dev/tty{vt} -p StandardInput=tty -p TTYReset=yes "
                f"-p TTYVHangup=yes -p StandardOutput=journal -p StandardError=journal -p UtmpIdentifier=tty{vt} "
                f"-p UtmpMode=user --setenv=XDG_SESSION_TYPE={kind} --setenv=XDG_SESSION_CLASS=user "
                f"--setenv=XDG_SEAT=seat0 --setenv=XDG_VTNR={vt} -p ExecStartPre='+/bin/busybox chvt {vt}' /bin/bash {script}")

    # ---- the machine ----

    def qmp(self, command, **arguments):
        return self.monitor.call(command, **arguments)

    def key(self, qcode, *moves):
        """Moves one key of the keyboard that was plugged last (caps_lock, a, shift, ctrl, f8, spc, ret, ...): True is down."""
        self.qmp("input-send-event", events=[
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": qcode}}} for down in moves])

    def tap(self, *qcodes):
        """Presses and releases each. Both at once: on a busy host a release that is sent later may be so late that the
        key repeats."""
        for qcode in qcodes:
            self.key(qcode, True, False)
            time.sleep(KEY_PAUSE_SEC)

    def plug_keyboard(self, name="usbkbd"):
        """A USB keyboard, which key() moves from now on."""
        self.qmp("device_add", driver="usb-kbd", id=name)
        self.wait_for("grep -q 'USB Keyboard' /proc/bus/input/devices")

    def unplug(self, name):
        self.qmp("device_del", id=name)

    def plug_disk(self, path, log=None):
        """A raw image as a disk; its name in the guest. With `log`, each write and flush is recorded (powercut.py)."""
        node = {"driver": "file", "filename": os.path.abspath(path)}
        if log:
            with open(log, "wb"):
                pass
            node = {"driver": "blklogwrites", "file": node, "log-super-update-interval": 1,
                    "log": {"driver": "file", "filename": os.path.abspath(log)}}
        else:
            node = {"driver": "raw", "file": node}
        self.plugged += 1
        name = f"plugged{self.plugged}"
        self.qmp("blockdev-add", **{"node-name": name, **node})
        self.qmp("device_add", driver="virtio-blk-pci", drive=name, id=f"disk-{name}", serial=name)
        device = "/dev/vd" + "abcdefgh"[self.plugged]
        self.wait_for(f"test -b {device}")
        return device

    def screenshot(self, name):
        """NAME.png among the results; its path. Taken by QEMU: no tool in the guest."""
        path = result_path(f"{name}.png")
        self.qmp("screendump", filename=path, format="png")
        return path

    def poweroff(self):
        """A clean end."""
        self.agent.send({"execute": "guest-shutdown", "arguments": {"mode": "powerdown"}})
        self.process.wait(PATIENCE_SEC)

    def kill(self):
        """What a power cut is to the guest."""
        self.process.kill()
        self.process.wait()

    def save(self, path):
        """Disk and memory as a state to start from; the machine ends."""
        self.sh("umount /host; sync")
        self.qmp("stop")
        self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 34})
        self.qmp("migrate", uri=f"exec:cat >{shlex.quote(path)}")
        while (status := self.qmp("query-migrate").get("status")) not in ("completed", "failed"):
            time.sleep(POLL_SEC)
        if status == "failed":
            raise Failed("the machine could not be saved")
        with contextlib.suppress(Failed):
            self.qmp("quit")
        self.process.wait(PATIENCE_SEC)


# ---- image, states, the build under test ----

def image():
    """The folder of the image. SkipTest with the reason where there is none."""
    if not shutil.which(QEMU):
        raise unittest.SkipTest(f"{QEMU} is not installed")
    found = subprocess.run([f"{HERE}/build-image", "--find"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise unittest.SkipTest(found.stderr.strip() or "no image")
    return found.stdout.strip()


def state_path(name):
    """A saved machine fits only the QEMU, the hardware and the set-up that it was made with: all are in its name."""
    seal = hashlib.sha256(subprocess.check_output([QEMU, "--version"]))
    seal.update("\0".join(machine("", "", "")).encode())
    with open(f"{HERE}/desktop.py", "rb") as file:
        seal.update(file.read())
    return f"{image()}/{name}-{seal.hexdigest()[:12]}"


BEFORE = {"ready": "cold", "desktop": "ready"}


def new_disk(state, path):
    """A root disk to keep, which begins as that of the state; its path."""
    base, form = f"{image()}/disk.img", "raw"
    if state != "cold":
        build_state(state)
        base, form = f"{state_path(state)}.qcow2", "qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", form, path], check=True)
    return path


def build_state(name):
    """Takes the state before this one further and saves it, once for each image."""
    target = state_path(name)
    if os.path.exists(f"{target}.state"):
        return
    with open(f"{image()}/{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(f"{target}.state"):
            return
        with VM(BEFORE[name], disk=new_disk(BEFORE[name], f"{target}.qcow2")) as guest:
            if name == "desktop":
                import desktop
                desktop.start(guest)
            guest.save(f"{target}.new")
        os.rename(f"{target}.new", f"{target}.state")


_product = None


def product():
    """A folder with the build under test, installed by meson. SkipTest where it is not built."""
    global _product
    if _product is None:
        if not os.path.exists(f"{BUILD}/meson-private/coredata.dat"):
            raise unittest.SkipTest(f"{BUILD} is no build folder")
        holder = tempfile.TemporaryDirectory(prefix="vm-product.")
        done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", holder.name],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"meson install: {done.stdout}{done.stderr}")
        _product = holder
    return _product.name


def result_path(name):
    os.makedirs(RESULTS, exist_ok=True)
    return os.path.join(RESULTS, name)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-u", dest="user")
    parser.add_argument("--state", default="ready", choices=["cold", *BEFORE])
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--shot")
    parser.add_argument("--timeout", type=int, default=600)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    command = args.command[0] if len(args.command) == 1 else shlex.join(args.command)
    try:
        guest = VM(args.state, share=os.getcwd())
    except unittest.SkipTest as reason:
        print(f"vm: {reason}", file=sys.stderr)
        return 77
    with guest:
        if args.install:
            guest.install()
        code, out, err = guest.run(command, user=args.user, timeout=args.timeout)
        sys.stdout.write(out)
        sys.stderr.write(err)
        if args.shot:
            print(guest.screenshot(args.shot), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.modules["vm"] = sys.modules["__main__"]
    sys.exit(main())
