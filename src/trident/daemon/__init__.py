"""The front door for programs: the gRPC services of upstream's ``proto/``.

The door is here, the room behind it is not furnished yet: it will translate requests into the verbs of
``trident.servicing`` and send their progress events, exactly as ``trident.cli`` does for people.
"""
