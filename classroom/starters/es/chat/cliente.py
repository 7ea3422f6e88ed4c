# Chat por TCP: lo que escribes lo leen todos.
#
#   python3 cliente.py            en el equipo de la clase
#   python3 cliente.py 192.168.1.20   desde otro, con la dirección que muestra la clase
#
# Lo primero que se envía es el nombre; después, cada línea es un mensaje para los demás.
import socket
import sys
import threading

HOST = sys.argv[1] if len(sys.argv) > 1 else "localhost"  # el equipo del servidor
PUERTO = int(sys.argv[2]) if len(sys.argv) > 2 else 8000  # el programa en ese equipo


def recibir(cliente):
    # Un hilo aparte: mientras tú escribes, otros hablan.
    # makefile() junta los bytes que llegan en líneas; recv() daría trozos cualesquiera.
    for linea in cliente.makefile(encoding="utf-8", newline="\n"):
        print(linea.rstrip("\n"), flush=True)
    print("El servidor ha cerrado la conexión.", flush=True)


def enviar(cliente, texto):
    # TCP lleva bytes, no letras: UTF-8 dice qué bytes son cada letra. El salto de línea dice dónde acaba el mensaje.
    cliente.sendall((texto + "\n").encode("utf-8"))


try:
    cliente = socket.create_connection((HOST, PUERTO))
except OSError as error:
    sys.exit(f"No se puede conectar con {HOST}, puerto {PUERTO}: {error}. ¿Está en marcha la clase?")

enviar(cliente, input("Tu nombre: "))
threading.Thread(target=recibir, args=(cliente,), daemon=True).start()

try:
    while True:
        mensaje = input()
        if mensaje == "salir":
            break
        enviar(cliente, mensaje)
except (EOFError, KeyboardInterrupt, OSError):
    pass  # se acabó lo que escribir, o la conexión

cliente.shutdown(socket.SHUT_WR)  # no enviamos más
cliente.close()

# Para probar:
# - Escribe lo mismo con nc: nc localhost 8000
# - Mira el mismo chat en la página del muro, en People, y con mosquitto_sub -v -t 'vitrina/people/#'
