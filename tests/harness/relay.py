# A plain relay as one writes it in Python with `websockets`: what a client sends goes to all others, as it is.

import asyncio

import websockets

clients = set()


async def serve(client):
    clients.add(client)
    try:
        async for message in client:
            for other in [other for other in clients if other is not client]:
                try:
                    await other.send(message)
                except websockets.ConnectionClosed:
                    pass
    except websockets.ConnectionClosed:
        pass
    finally:
        clients.discard(client)


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
