# The client of a chat over TCP as its text describes it: it sends its name, then each line that is typed, without
# a line end, and prints what recv() gives it. Closing is abrupt, since the server there notices nothing else.
import socket
import struct
import sys
import threading

cliente = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
cliente.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
cliente.connect(("localhost", int(sys.argv[1])))


def recibir():
    while True:
        mensaje = cliente.recv(1024).decode("utf-8")
        if not mensaje:
            break
        print(mensaje, flush=True)


nombre = input()
cliente.send(nombre.encode("utf-8"))
threading.Thread(target=recibir, daemon=True).start()
while True:
    mensaje = input()
    if mensaje == "salir":
        break
    cliente.send(mensaje.encode("utf-8"))
cliente.close()
