"""A desktop's `org.freedesktop.ScreenSaver` on the session bus: writes down who keeps the display awake."""

import sys

from jeepney import HeaderFields, MessageType, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

connection = open_dbus_connection(bus="SESSION")
connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.ScreenSaver"))
print("ready", flush=True)
while True:
    call = connection.receive()
    if call.header.message_type != MessageType.method_call:
        continue
    method = call.header.fields.get(HeaderFields.member)
    print(method, *call.body, flush=True)
    reply = new_method_return(call, "u", (7,)) if method == "Inhibit" else new_method_return(call)
    connection.send(reply)
    if method == "Exit":
        sys.exit()
