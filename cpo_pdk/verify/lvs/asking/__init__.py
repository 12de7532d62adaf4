"""How the circuit that a spec asks for is put together; `lvs.asked` is the face of it."""
