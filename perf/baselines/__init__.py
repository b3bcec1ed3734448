"""The service that every team writes first, before and after it was mended; what Darkroom is measured against.

Both are small FastAPI applications with the contract `POST /process`: a picture in a form, the picture back. They use
Darkroom's networks, tiles and codecs, so that what differs is only how requests meet the device.
"""
