"""Pictures from strangers: checked, turned upright, shrunk, and written anew. The one place that decodes them.

Only the pixels go over into the new file, so nothing else does: no EXIF, comments or colour profiles (colours are
converted to sRGB), nothing hidden behind the end. Blocking; for worker threads. What is held in memory is bounded by
the numbers of pixels: 4 bytes for each pixel of a still picture, and for each pixel of all shrunk frames.
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from msgspec import Struct
from PIL import ExifTags, Image, ImageCms

from db import atomic_file

MAX_PIXELS = 40_000_000
MAX_SIDE = 10_000
MAX_FRAMES = 1000
MAX_ANIMATION_PIXELS = 100_000_000
"""The sum over all frames, before shrinking."""

# Our own checks are stricter; this holds for whatever Pillow opens inside a picture.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_EXTENSIONS = {"png": "png", "jpeg": "jpg", "gif": "gif", "webp": "webp"}
_MAX_PROFILE_BYTES = 1_000_000
_MAX_DURATION_MS = 65_535.0
_TRANSPARENT = 255  # the last colour of a palette
_SRGB = ImageCms.createProfile("sRGB")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadPicture(ValueError):
    """The text says what is wrong with the picture and what is expected."""


class Picture(Struct, frozen=True):
    """A picture that was written."""

    path: Path
    format: str
    """`png`, `jpeg`, `gif` or `webp`."""
    mime_type: str
    extension: str
    """Without a dot; `jpg` for jpeg."""
    width: int
    height: int
    animated: bool


class _Bounds(NamedTuple):
    """Width and height of the result, whether it is cut square, pixels of a frame, frames, pixels of all frames."""

    width: int | None
    height: int | None
    square: bool
    pixels: int
    frames: int
    animation_pixels: int


class _Frames(NamedTuple):
    images: Sequence[Image.Image]
    durations_ms: list[float]
    loop: int | None
    """How often it plays; 0 is for ever, None is once and not said."""


def reencode(
    source: Path | bytes | bytearray | memoryview,
    target: Path,
    *,
    formats: Collection[str],
    max_width: int | None = None,
    max_height: int | None = None,
    square: bool = False,
    max_pixels: int = MAX_PIXELS,
    max_frames: int = MAX_FRAMES,
    max_animation_pixels: int = MAX_ANIMATION_PIXELS,
    jpeg_quality: int = 85,
    webp_quality: int = 85,
    png_compression: int = 6,
    max_bytes: int | None = None,
) -> Picture:
    """Write the picture anew to `target`, in its own format, durably and in one step.

    formats: which may come, of `png`, `jpeg` (or `jpg`), `gif`, `webp`; other names mean nothing.
    max_width, max_height: pixels; a larger picture is shrunk to fit, keeping its shape. square: before that, both ends
    of its longer side are cut away. Pixels and frames are counted
    before it is shrunk, and before any pixel is decoded. max_bytes: of what is written, which may be more than came.

    Raises BadPicture; OSError when a file cannot be read or written.
    """
    allowed = sorted({"jpeg" if name == "jpg" else name for name in formats} & set(_EXTENSIONS))
    bounds = _Bounds(max_width, max_height, square, max_pixels, max_frames, max_animation_pixels)
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(source.open("rb") if isinstance(source, Path) else BytesIO(source))
        expected = f"expected a whole picture of one of these kinds: {', '.join(allowed)}"
        with _bad_unless_decoded(expected):
            image = stack.enter_context(Image.open(file, formats=[name.upper() for name in allowed]))
            kind = "jpeg" if image.format == "MPO" else str(image.format).lower()
            _check_size(image, bounds)
            animated = kind != "jpeg" and bool(getattr(image, "is_animated", False))
            frames = _animation(image, kind, bounds) if animated else _Frames([_still(image, kind, bounds)], [], None)
    temporary = target.with_name(f"{target.name}{atomic_file.TEMP_MARK}{secrets.token_hex(6)}")
    options: dict[str, dict[str, Any]] = {
        "png": {"compress_level": png_compression},
        "jpeg": {"quality": jpeg_quality, "optimize": True},
        "gif": {"optimize": True},
        "webp": {"quality": webp_quality, "method": 4},
    }
    try:
        with open(temporary, "xb") as out:
            _save(out, kind, frames, options[kind])
            out.flush()
            if max_bytes is not None and out.tell() > max_bytes:
                raise BadPicture(f"written anew, the picture has more than {max_bytes} bytes")
            os.fsync(out.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    atomic_file.sync_folder(target.parent)
    width, height = frames.images[0].size
    many = len(frames.images) > 1
    return Picture(target, kind, f"image/{kind}", _EXTENSIONS[kind], width, height, many)


@contextmanager
def _bad_unless_decoded(expected: str) -> Iterator[None]:
    """Whatever a decoder raises over bytes of strangers means that they are no good picture."""
    try:
        yield
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture(f"the picture has too many pixels; expected at most {MAX_PIXELS}") from None
    except Exception:
        raise BadPicture(f"this cannot be read as a picture; {expected}") from None


def _check_size(image: Image.Image, bounds: _Bounds) -> None:
    width, height = image.size
    if width < 1 or height < 1 or max(width, height) > MAX_SIDE or width * height > bounds.pixels:
        raise BadPicture(
            f"the picture is {width} x {height} pixels; expected at most {MAX_SIDE} a side and {bounds.pixels} in all"
        )


def _still(image: Image.Image, kind: str, bounds: _Bounds) -> Image.Image:
    orientation = _orientation(image)
    image.load()
    _check_size(image, bounds)
    return _fit(_upright(_plain(_to_srgb(image), kind), orientation), bounds)


def _animation(image: Image.Image, kind: str, bounds: _Bounds) -> _Frames:
    """All frames, each whole (not only what differs from the one before)."""
    too_many = (
        f"the animation is too long; expected at most {bounds.frames} frames and {bounds.animation_pixels} pixels"
    )
    if kind != "gif":  # a GIF does not say how many it has
        count = getattr(image, "n_frames", 1)
        if count > bounds.frames or count * image.width * image.height > bounds.animation_pixels:
            raise BadPicture(too_many)
    skipped = 1 if image.info.get("default_image") else 0  # shown by programs that know no animated PNG
    orientation = _orientation(image)
    images: list[Image.Image] = []
    durations: list[float] = []
    pixels = 0
    number = skipped
    while True:
        try:
            image.seek(number)
        except EOFError:
            break
        _check_size(image, bounds)
        pixels += image.width * image.height
        if len(images) == bounds.frames or pixels > bounds.animation_pixels:
            raise BadPicture(too_many)
        image.load()
        frame = _fit(_upright(image.convert("RGBA"), orientation), bounds)
        images.append(_with_palette(frame) if kind == "gif" else frame)
        durations.append(min(float(image.info.get("duration", 0)), _MAX_DURATION_MS))
        number += 1
    if any(frame.size != images[0].size for frame in images):
        raise BadPicture("the frames of the animation differ in size; expected all of one size")
    return _Frames(images, durations, image.info.get("loop"))


def _orientation(image: Image.Image) -> int:
    """How the camera was held, 1 to 8; 1 where nothing sensible is said."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1
    return found if found in _UPRIGHT else 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _to_srgb(image: Image.Image) -> Image.Image:
    """The profile of a camera or of a printer applied; one that cannot be used is dropped."""
    profile = image.info.get("icc_profile")
    if not profile or len(profile) > _MAX_PROFILE_BYTES or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    mode = "RGB" if image.mode == "CMYK" else image.mode
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, source, _SRGB, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image


def _plain(image: Image.Image, kind: str) -> Image.Image:
    """In one of the modes that its format can be written in."""
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA") and kind == "png" else "RGBA")
    elif image.mode in ("1", "L", "I;16", "I;16B", "I;16L", "I") and kind != "webp":
        image = _grey(image)
    else:
        image = image.convert("RGB")
    return image


def _grey(image: Image.Image) -> Image.Image:
    if image.mode == "L" or image.mode == "1":
        return image.convert("L")
    return image.convert("I").point([value >> 8 for value in range(65536)], "L")  # a conversion would clip 16 bits


def _fit(image: Image.Image, bounds: _Bounds) -> Image.Image:
    if bounds.square and image.width != image.height:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    scale = min((bounds.width or MAX_SIDE) / image.width, (bounds.height or MAX_SIDE) / image.height)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _with_palette(image: Image.Image) -> Image.Image:
    """For GIF: 255 colours, and one for what is mostly transparent."""
    colours = image.convert("RGB").quantize(_TRANSPARENT, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = (colours.getpalette() or [])[: _TRANSPARENT * 3]
    colours.putpalette([*palette, *[0] * (768 - len(palette))])
    if image.mode == "RGBA":
        colours.paste(_TRANSPARENT, mask=image.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0))
    return colours


def _save(out: IO[bytes], kind: str, frames: _Frames, options: dict[str, Any]) -> None:
    images = list(frames.images)
    if kind == "gif":
        images = [image if image.mode == "P" else _with_palette(image) for image in images]
        if any(image.getextrema()[1] == _TRANSPARENT for image in images):
            # the frame is taken away before the next, which may show less than this one
            options |= {"transparency": _TRANSPARENT, "disposal": 2}
    for image in images:
        image.info = {}
    if len(images) > 1:
        durations = [round(ms) for ms in frames.durations_ms] if kind == "gif" else frames.durations_ms
        options |= {"save_all": True, "append_images": images[1:], "duration": durations}
        if frames.loop is not None:
            options["loop"] = frames.loop
    images[0].save(out, kind.upper(), **options)
