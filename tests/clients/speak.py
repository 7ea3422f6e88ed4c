"""Eclipse Paho's Python client against a broker: speak.py VERSION PORT TLS_PORT CA USER PASSWORD.

Exits with 0 when everything came as it must, else with a traceback.
"""

import queue
import sys

import paho.mqtt.client as mqtt

VERSION = {"3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}[sys.argv[1]]
PORT, TLS_PORT = int(sys.argv[2]), int(sys.argv[3])
CA, USER, PASSWORD = sys.argv[4:]
LIMIT = 20


class Client:
    """A client with what happened to it, in queues."""

    def __init__(self, name, port=PORT, password=PASSWORD, will=None):
        self.connected, self.subscribed, self.messages = queue.Queue(), queue.Queue(), queue.Queue()
        self.paho = mqtt.Client(f"paho-{sys.argv[1]}-{name}", protocol=VERSION)
        self.paho.username_pw_set(USER, password)
        if port == TLS_PORT:
            self.paho.tls_set(CA)
        if will:
            self.paho.will_set(will, "gone", qos=1)
        self.paho.on_connect = lambda _c, _u, _f, code, *_: self.connected.put(int(getattr(code, "value", code)))
        self.paho.on_subscribe = lambda *_: self.subscribed.put(True)
        self.paho.on_message = lambda _c, _u, message: self.messages.put(message)
        self.paho.connect("127.0.0.1", port, keepalive=10)
        self.paho.loop_start()
        self.code = self.connected.get(timeout=LIMIT)

    def subscribe(self, topic, qos):
        self.paho.subscribe(topic, qos)
        self.subscribed.get(timeout=LIMIT)

    def publish(self, topic, payload, qos=0, retain=False):
        self.paho.publish(topic, payload, qos, retain).wait_for_publish()

    def next(self):
        return self.messages.get(timeout=LIMIT)

    def vanish(self):
        """Goes without a DISCONNECT."""
        self.paho.socket().shutdown(2)
        self.paho.loop_stop()

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()


def exchange(port):
    sub, pub = Client("sub", port), Client("pub", port)
    for qos in (0, 1, 2):
        topic = f"paho/{sys.argv[1]}/{qos}"
        sub.subscribe(topic, qos)
        for n in range(30):
            pub.publish(topic, str(n), qos)
            message = sub.next()
            assert (message.topic, message.qos, int(message.payload)) == (topic, qos, n), message.payload
    # A picture.
    picture = bytes(range(256)) * 4096
    pub.publish(topic, picture, 2)
    assert sub.next().payload == picture
    sub.leave()
    pub.leave()


def retained():
    topic = f"paho/{sys.argv[1]}/retained"
    pub = Client("pub")
    pub.publish(topic, "kept", 1, retain=True)
    sub = Client("sub")
    sub.subscribe(topic, 1)
    message = sub.next()
    assert message.retain and message.payload == b"kept"
    pub.publish(topic, "", 1, retain=True)
    message = sub.next()
    assert not message.retain and message.payload == b""
    sub.leave()
    pub.leave()


def will():
    topic = f"paho/{sys.argv[1]}/will"
    heir = Client("heir")
    heir.subscribe(topic, 1)
    Client("mortal", will=topic).vanish()
    assert heir.next().payload == b"gone"
    heir.leave()


def refused():
    client = Client("stranger", password="guess")
    assert client.code == (5 if VERSION == mqtt.MQTTv311 else 0x86), client.code
    client.paho.loop_stop()


for port in (PORT, TLS_PORT):
    exchange(port)
retained()
will()
refused()
