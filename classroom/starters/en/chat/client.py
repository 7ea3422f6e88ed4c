# A chat over TCP: what you write, all read.
#
#   python3 client.py            on the machine of the class
#   python3 client.py 192.168.1.20   from another one, with the address that the class shows
#
# The first thing that is sent is the name; after it each line is a message for the others.
import socket
import sys
import threading

HOST = sys.argv[1] if len(sys.argv) > 1 else "localhost"  # the server's machine
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 8000  # the program on that machine


def receive(client):
    # A thread of its own: while you write, others talk.
    # makefile() makes lines of the bytes that come; recv() would give any piece of them.
    for line in client.makefile(encoding="utf-8", newline="\n"):
        print(line.rstrip("\n"), flush=True)
    print("The server has closed the connection.", flush=True)


def send(client, text):
    # TCP carries bytes, no letters: UTF-8 says which bytes a letter is. The line end says where the message ends.
    client.sendall((text + "\n").encode("utf-8"))


try:
    client = socket.create_connection((HOST, PORT))
except OSError as error:
    sys.exit(f"Cannot connect to {HOST}, port {PORT}: {error}. Is the class running?")

send(client, input("Your name: "))
threading.Thread(target=receive, args=(client,), daemon=True).start()

try:
    while True:
        message = input()
        if message == "quit":
            break
        send(client, message)
except (EOFError, KeyboardInterrupt, OSError):
    pass  # nothing is left to write, or the connection is over

client.shutdown(socket.SHUT_WR)  # we send no more
client.close()

# To try:
# - Write the same with nc: nc localhost 8000
# - See the same chat on the page of the wall, in People, and with mosquitto_sub -v -t 'vitrina/people/#'
