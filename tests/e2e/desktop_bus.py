#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for logind on the system bus and for a desktop's notifications on the session bus, for desktop.test. Takes
orders as lines on standard input, tells of what happens as JSON, a line each, on standard output:

    watch PID MNT    of this server is told, when a sleep is let go, whether it has ended and is unmounted
    sleep, awake     PrepareForSleep
    lock NAME        the session NAME (own, other) is to be locked
    hint NAME 0|1    the session NAME says whether it is locked
    forge PID        somebody who is not logind tells that process alone of a sleep and of locked screens
    refuse           nobody may delay a sleep from now on

usage: desktop_bus.py UID all|notify"""

import json
import os
import sys

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

LOGIN = "org.freedesktop.login1"
ROOT = "/org/freedesktop/login1"
NOTIFY = "org.freedesktop.Notifications"
PROPERTIES = "org.freedesktop.DBus.Properties"
watched = [0, ""]


def tell(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


def has_ended(pid):
    """It has no memory any more, whether or not its parent knows."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as f:
            return "VmSize" not in f.read()
    except FileNotFoundError:
        return True


def is_mounted(mountpoint):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split(" ")[4] == mountpoint for line in f)


class Manager(dbus.service.Object):
    def __init__(self, bus):
        super().__init__(bus, ROOT)
        self.refuses = False

    @dbus.service.method(LOGIN + ".Manager", in_signature="ssss", out_signature="h")
    def Inhibit(self, what, who, why, mode):
        if self.refuses:
            raise dbus.exceptions.DBusException("no", name="org.freedesktop.DBus.Error.AccessDenied")
        ours, theirs = os.pipe()
        GLib.io_add_watch(ours, GLib.IO_HUP, self.let_go)
        tell("held", args=[str(what), str(who), str(why), str(mode)])
        fd = dbus.types.UnixFd(theirs)
        os.close(theirs)
        return fd

    def let_go(self, fd, _condition):
        os.close(fd)
        tell("let go", ended=has_ended(watched[0]), mounted=is_mounted(watched[1]))
        return False

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, _name):
        return dbus.Boolean(False)

    @dbus.service.signal(LOGIN + ".Manager", signature="b")
    def PrepareForSleep(self, begins):
        pass


class Session(dbus.service.Object):
    def __init__(self, bus, name, uid):
        super().__init__(bus, ROOT + "/session/" + name)
        self.uid = uid

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, _interface, _name):
        tell("asked", uid=self.uid)
        return dbus.Struct((dbus.UInt32(self.uid), dbus.ObjectPath(ROOT + "/user/_%d" % self.uid)), signature="uo")

    @dbus.service.signal(LOGIN + ".Session")
    def Lock(self):
        pass

    @dbus.service.signal(PROPERTIES, signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, gone):
        pass

    def hint(self, locked):
        self.PropertiesChanged(LOGIN + ".Session", {"IdleHint": dbus.Boolean(True),
                                                    "LockedHint": dbus.Boolean(locked)}, [])


def forge(pid):
    """Whoever may use the bus may send it. When the bus has answered it has been passed on."""
    bus = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    bus.set_exit_on_disconnect(False)

    def pid_of(name):
        return bus.call_blocking(dbus.BUS_DAEMON_NAME, dbus.BUS_DAEMON_PATH, dbus.BUS_DAEMON_IFACE,
                                 "GetConnectionUnixProcessID", "s", (name,))

    for name in filter(lambda n: n.startswith(":") and pid_of(n) == pid, bus.list_names()):
        for path, interface, member, args in ((ROOT, LOGIN + ".Manager", "PrepareForSleep", [True]),
                                              (ROOT + "/session/own", LOGIN + ".Session", "Lock", []),
                                              (ROOT + "/session/own", PROPERTIES, "PropertiesChanged",
                                               [LOGIN + ".Session", {"LockedHint": dbus.Boolean(True)}, [""]])):
            m = dbus.lowlevel.SignalMessage(path, interface, member)
            m.set_destination(name)
            m.append(*args)
            bus.send_message(m)
        pid_of(name)
        tell("forged")
    bus.close()


class Desktop(dbus.service.Object):
    @dbus.service.method(NOTIFY, in_signature="susssasa{sv}i", out_signature="u")
    def Notify(self, app, _replaces, _icon, summary, body, _actions, hints, _expires):
        tell("notification", app=str(app), summary=str(summary), body=str(body), urgency=int(hints["urgency"]))
        return dbus.UInt32(1)


def obey(manager, sessions, words):
    if words[0] == "watch":
        watched[:] = [int(words[1]), words[2]]
    elif words[0] in ("sleep", "awake"):
        manager.PrepareForSleep(words[0] == "sleep")
    elif words[0] == "lock":
        sessions[words[1]].Lock()
    elif words[0] == "hint":
        sessions[words[1]].hint(words[2] == "1")
    elif words[0] == "forge":
        forge(int(words[1]))
    elif words[0] == "refuse":
        manager.refuses = True
    tell("done", order=" ".join(words))


def main():
    uid, who = int(sys.argv[1]), sys.argv[2]
    loop = GLib.MainLoop()
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    manager, sessions, names = None, {}, []
    if who == "all":
        bus = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
        bus.set_exit_on_disconnect(False)
        manager = Manager(bus)
        sessions = {"own": Session(bus, "own", uid), "other": Session(bus, "other", uid + 1)}
        names.append(dbus.service.BusName(LOGIN, bus))
    desk = dbus.bus.BusConnection(os.environ["DBUS_SESSION_BUS_ADDRESS"])
    desk.set_exit_on_disconnect(False)
    names += [Desktop(desk, "/org/freedesktop/Notifications"), dbus.service.BusName(NOTIFY, desk)]

    def on_line(_fd, _condition):
        line = sys.stdin.readline()
        if not line:
            loop.quit()
            return False
        obey(manager, sessions, line.split())
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, on_line)
    tell("ready")
    loop.run()


main()
