"""Answers for a name in the local network (RFC 6762): answer.py NAME ADDRESS, until it is killed."""

import signal
import socket
import sys

from zeroconf import ServiceInfo, Zeroconf

name, address = sys.argv[1:]
kind = "_http._tcp.local."
info = ServiceInfo(kind, f"wall.{kind}", addresses=[socket.inet_aton(address)], port=80, server=f"{name}.")
Zeroconf(interfaces=[address]).register_service(info)
signal.pause()
