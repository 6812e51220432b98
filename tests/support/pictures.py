"""Small pictures for tests."""

from __future__ import annotations

import base64
import io

from PIL import Image


def picture(color: str = "red", kind: str = "png", size: tuple[int, int] = (8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, kind)
    return out.getvalue()


def moving_gif(*colors: str, size: tuple[int, int] = (8, 8)) -> bytes:
    """One frame of each color, 50 ms each, for ever."""
    frames = [Image.new("RGB", size, color) for color in colors]
    out = io.BytesIO()
    frames[0].save(out, "gif", save_all=True, append_images=frames[1:], duration=50, loop=0)
    return out.getvalue()


def data_uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


PNG = data_uri(picture())
