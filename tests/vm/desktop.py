# SPDX-License-Identifier: GPL-3.0-or-later
# Desktops for the guest's tester, each in a session of logind on VT 7. I/O: the guest.
"""start: Xorg on the emulated card (modesetting, libinput), rootless through logind, an xterm that keeps what is typed
into it in /tmp/typed; dunst starts on demand. It is the saved state "desktop".
start_sway: the same on Wayland with foot; about 15 s, not saved."""

# There is no window manager: the window under the pointer has the focus, and the pointer is in the middle.
X_SESSION = r"""
Xorg :0 vt7 -keeptty -noreset -nolisten tcp &
until [ -S /tmp/.X11-unix/X0 ]; do sleep 0.1; done
export DISPLAY=:0
dbus-update-activation-environment --systemd DISPLAY XDG_SESSION_TYPE XDG_SESSION_ID XDG_VTNR
xsetroot -solid "#204060"
xterm -fa Monospace -fs 14 -geometry 60x16+150+220 -T typing -e "bash -c 'cat >/tmp/typed'" &
wait
"""

SWAY_SESSION = r"""
export WLR_RENDERER=pixman XDG_CURRENT_DESKTOP=sway
mkdir -p ~/.config/sway
cat >~/.config/sway/config <<'END'
output * bg #204060 solid_color
exec dbus-update-activation-environment --systemd WAYLAND_DISPLAY SWAYSOCK XDG_CURRENT_DESKTOP
exec foot bash -c 'cat >/tmp/typed'
END
exec sway
"""

# In the place of a menu program: dunst gives it one line a button, "#Merge (Merge Download into Downloads?) [3,xdgtidy]",
# and takes back the chosen one. Runs by "dunstctl context".
DUNST_MENU = """#!/bin/sh
cat >~/.offered.new
grep -m 1 -F "#$(cat ~/.choice) (" ~/.offered.new
mv ~/.offered.new ~/.offered
"""
# Runs for each notification when it is on the screen.
DUNST_SCRIPT = """#!/bin/sh
printf '%s | %s\\n' "$DUNST_SUMMARY" "$(echo "$DUNST_BODY" | tr '\\n' ' ')" >>~/.shown
"""
DUNST_CONFIG = """[global]
font = Monospace 12
width = 420
origin = top-right
offset = 20x20
dmenu = /home/tester/.menu
[each]
summary = "*"
script = /home/tester/.shown.sh
[urgency_normal]
timeout = 0
[urgency_low]
timeout = 0
"""


def start(guest):
    guest.sh("mkdir -p .config/dunst; cat >.config/dunst/dunstrc", user="tester", stdin=DUNST_CONFIG.encode())
    for name, text in ((".menu", DUNST_MENU), (".shown.sh", DUNST_SCRIPT)):
        guest.sh(f"cat >{name}; chmod +x {name}", user="tester", stdin=text.encode())
    guest.session("tester", 7, X_SESSION, kind="x11")
    guest.wait_for("DISPLAY=:0 xwininfo -name typing | grep IsViewable", user="tester")


def start_sway(guest):
    guest.session("tester", 7, SWAY_SESSION, kind="wayland")
    guest.wait_for("SWAYSOCK=$(ls /run/user/1000/sway-ipc.*) swaymsg -t get_tree | grep -q foot", user="tester")


def wait_for_notification(guest, text):
    """Until a notification on the screen says so; all of it."""
    shown = guest.wait_for(f"grep -F '{text}' .shown", user="tester")
    # dunst runs the script before it draws.
    guest.wait_for("DISPLAY=:0 xwininfo -name Dunst | grep IsViewable", user="tester")
    return shown


def press(guest, label):
    """The button of that name of a notification on the screen, by dunst's own control."""
    guest.sh("echo '%s' >.choice && rm -f .offered && dunstctl context" % label, user="tester")
    offered = guest.wait_for("cat .offered", user="tester")
    if f"#{label} (" not in offered:
        raise AssertionError(f"no button {label} among: {offered}")
