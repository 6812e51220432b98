"""Pictures from strangers: what comes out, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import zlib
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from db.pictures import BadPicture, Picture, reencode

ALL = ("png", "jpeg", "gif", "webp")
RED, GREEN, BLUE, CLEAR = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int) -> bytes:
    """A PNG of one colour in a few bytes, however large the picture is."""
    compressor = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def moving(frames: int, ground: tuple[int, int, int, int]) -> list[Image.Image]:
    """A square that moves, and another that comes and goes."""
    images = []
    for number in range(frames):
        image = Image.new("RGBA", (40, 30), ground)
        image.paste((255, number * 20, 0, 255), (number * 3, number * 2, number * 3 + 9, number * 2 + 9))
        if number % 2:
            image.paste(BLUE, (0, 0, 5, 5))
        images.append(image)
    return images


def animated(images: list[Image.Image], kind: str, **options: object) -> bytes:
    return encoded(images[0], kind, save_all=True, append_images=images[1:], **options)


def seen(image: Image.Image) -> bytes:
    """What a viewer sees: colours of transparent pixels do not count."""
    ground = Image.new("RGBA", image.size, CLEAR)
    rgba = image.convert("RGBA")
    ground.paste(rgba, mask=rgba.getchannel("A").point(lambda alpha: 255 if alpha else 0))
    return ground.tobytes()


def frames_of(source: bytes | Path) -> tuple[list[bytes], list[float], int | None]:
    with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as image:
        shown, durations = [], []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            shown.append(seen(image))
            durations.append(float(image.info.get("duration", 0)))
        return shown, durations, image.info.get("loop")


def refused(data: bytes, folder: Path, **options: Any) -> str:
    with pytest.raises(BadPicture) as error:
        reencode(data, folder / "out", formats=ALL, **options)
    assert list(folder.iterdir()) == [], "nothing stays behind"
    return str(error.value)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_picture_says_what_it_is(kind: str, tmp_path: Path) -> None:
    done = reencode(encoded(Image.new("RGB", (64, 32), "red"), kind), tmp_path / "out", formats=ALL)
    extension = "jpg" if kind == "jpeg" else kind
    assert done == Picture(tmp_path / "out", kind, f"image/{kind}", extension, 64, 32, False)
    with Image.open(tmp_path / "out") as image:
        assert (str(image.format).lower(), image.size) == (kind, (64, 32))


def test_a_source_may_be_a_file_or_any_bytes(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (4, 4)), "png")
    (tmp_path / "in").write_bytes(data)
    results = [reencode(source, tmp_path / "out", formats=ALL) for source in (data, memoryview(data), tmp_path / "in")]
    assert {(done.width, done.format) for done in results} == {(4, "png")}
    with pytest.raises(FileNotFoundError):
        reencode(tmp_path / "none", tmp_path / "out", formats=ALL)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_every_mode_keeps_its_look(mode: str, kind: str, tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), RED)
    image.paste(GREEN, (0, 0, 32, 32))
    image.paste(CLEAR if "A" in mode else BLUE, (32, 32, 64, 64))
    source = encoded(image.convert(mode), kind, **({"lossless": True} if kind == "webp" else {}))
    reencode(source, tmp_path / "out", formats=ALL)
    with Image.open(io.BytesIO(source)) as before, Image.open(tmp_path / "out") as after:
        places = [(16, 16), (48, 16), (48, 48)]
        wanted = [value for place in places for value in before.convert("RGBA").getpixel(place)]  # type: ignore[union-attr]
        found = [value for place in places for value in after.convert("RGBA").getpixel(place)]  # type: ignore[union-attr]
    tolerance = 12 if kind == "webp" else 0
    if "A" not in mode:
        assert max(abs(a - b) for a, b in zip(wanted, found, strict=True)) <= tolerance
    else:
        assert max(abs(a - b) for a, b in zip(wanted[:8], found[:8], strict=True)) <= tolerance
        assert found[-1] == wanted[-1]


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.new("P", (4, 2), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((0, 0), 0)
    reencode(encoded(image, "png", transparency=0), tmp_path / "out", formats=ALL)
    with Image.open(tmp_path / "out") as done:
        rgba = done.convert("RGBA")
    assert rgba.getpixel((1, 0)) == GREEN
    assert rgba.getchannel("A").getpixel((0, 0)) == 0


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    image = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 0x8000, 0xFFFF)):
        image.putpixel((x, 0), value)
    reencode(encoded(image, "png"), tmp_path / "out", formats=ALL)
    with Image.open(tmp_path / "out") as done:
        assert [done.convert("L").getpixel((x, 0)) for x in range(3)] == [0, 0x80, 0xFF]


def test_colours_of_a_printer_become_those_of_a_screen(tmp_path: Path) -> None:
    reencode(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "jpeg"), tmp_path / "out", formats=ALL)
    with Image.open(tmp_path / "out") as done:
        assert done.mode == "RGB"
        red, green, blue = done.getpixel((4, 4))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("profile", [ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b"nonsense"])
def test_a_colour_profile_is_applied_or_dropped(profile: bytes, tmp_path: Path) -> None:
    reencode(
        encoded(Image.new("RGB", (8, 8), (200, 100, 50)), "png", icc_profile=profile), tmp_path / "out", formats=ALL
    )
    with Image.open(tmp_path / "out") as done:
        assert "icc_profile" not in done.info
        assert done.getpixel((4, 4)) == (200, 100, 50)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int, tmp_path: Path) -> None:
    upright = Image.new("RGB", (32, 16), "white")
    upright.paste((255, 0, 0), (0, 0, 8, 8))
    # how a camera that was held so stores it
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    camera = upright.transpose(stored[orientation]) if orientation in stored else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker of the camera"
    done = reencode(encoded(camera, "png", exif=exif), tmp_path / "out", formats=ALL)
    assert (done.width, done.height) == (32, 16)
    assert frames_of(tmp_path / "out")[0] == [seen(upright)]
    assert b"maker" not in (tmp_path / "out").read_bytes()


def test_nothing_but_pixels_goes_over(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-exif"
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "SECRET-text")
    notes.add_itxt("XML:com.adobe.xmp", "SECRET-xmp")
    plain = Image.new("RGB", (8, 8), "red")
    tail = b"<script>SECRET-tail</script>PK\x03\x04"
    sources = [
        encoded(plain, "png", exif=exif, pnginfo=notes) + tail,
        encoded(plain, "jpeg", exif=exif, comment=b"SECRET-comment", xmp=b"SECRET-xmp") + tail,
        encoded(plain, "gif", comment=b"SECRET-comment") + tail,
        encoded(plain, "webp", exif=exif, xmp=b"SECRET-xmp") + tail,
        animated(moving(3, CLEAR), "gif", comment=b"SECRET-comment") + tail,
        animated(moving(3, CLEAR), "png", exif=exif, pnginfo=notes) + tail,
    ]
    for source in sources:
        assert b"SECRET" in source
        reencode(source, tmp_path / "out", formats=ALL)
        written = (tmp_path / "out").read_bytes()
        assert b"SECRET" not in written
        assert b"script" not in written


@pytest.mark.parametrize("ground", [CLEAR, (10, 20, 30, 255)], ids=["transparent", "opaque"])
@pytest.mark.parametrize("disposal", [0, 1, 2])
@pytest.mark.parametrize("kind", ["gif", "png"])
def test_an_animation_is_the_same_frame_by_frame(
    kind: str, disposal: int, ground: tuple[int, int, int, int], tmp_path: Path
) -> None:
    source = animated(moving(6, ground), kind, duration=[40, 50, 60, 70, 80, 90], loop=3, disposal=disposal)
    done = reencode(source, tmp_path / "out", formats=ALL)
    assert done.animated
    shown, durations, loop = frames_of(tmp_path / "out")
    assert (shown, durations, loop) == frames_of(source)
    assert durations == [40, 50, 60, 70, 80, 90]
    assert loop == 3


def test_an_animated_webp_keeps_frames_and_times(tmp_path: Path) -> None:
    source = animated(moving(5, CLEAR), "webp", duration=[40, 50, 60, 70, 80], loop=0, lossless=True)
    assert reencode(source, tmp_path / "out", formats=ALL).animated
    shown, durations, loop = frames_of(tmp_path / "out")
    assert (durations, loop) == ([40, 50, 60, 70, 80], 0)
    assert all(a != b for a, b in pairwise(shown))


def test_a_gif_that_plays_once_plays_once(tmp_path: Path) -> None:
    reencode(animated(moving(3, CLEAR), "gif", duration=50), tmp_path / "out", formats=ALL)
    assert frames_of(tmp_path / "out")[2] is None


def test_the_picture_of_an_animated_png_for_old_programs_is_no_frame(tmp_path: Path) -> None:
    images = [Image.new("RGBA", (40, 30), GREEN), *moving(3, CLEAR)]
    reencode(animated(images, "png", default_image=True, duration=50), tmp_path / "out", formats=ALL)
    assert frames_of(tmp_path / "out")[0] == [seen(image) for image in images[1:]]


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_an_animation_is_shrunk_whole(kind: str, tmp_path: Path) -> None:
    source = animated(moving(4, CLEAR), kind, duration=50)
    done = reencode(source, tmp_path / "out", formats=ALL, max_width=20, max_height=20)
    assert (done.width, done.height, done.animated) == (20, 15, True)
    assert len(frames_of(tmp_path / "out")[0]) == 4


@pytest.mark.parametrize(
    ("size", "bounds", "expected"),
    [
        ((400, 100), (200, 200), (200, 50)),
        ((100, 400), (200, 200), (50, 200)),
        ((400, 100), (None, 50), (200, 50)),
        ((20, 10), (200, 200), (20, 10)),
        ((9000, 1), (100, 100), (100, 1)),
    ],
)
def test_it_is_shrunk_to_fit_and_never_made_larger(
    size: tuple[int, int], bounds: tuple[int | None, int | None], expected: tuple[int, int], tmp_path: Path
) -> None:
    source = encoded(Image.new("RGB", size, "red"), "png")
    done = reencode(source, tmp_path / "out", formats=ALL, max_width=bounds[0], max_height=bounds[1])
    assert (done.width, done.height) == expected


@pytest.mark.parametrize(("kind", "size"), [("png", (400, 100)), ("jpeg", (100, 400)), ("gif", (90, 60))])
def test_a_square_is_cut_out_of_the_middle(kind: str, size: tuple[int, int], tmp_path: Path) -> None:
    image = Image.new("RGB", size, "red")
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    image.paste("blue", (left, top, left + side, top + side))
    done = reencode(
        encoded(image, kind), tmp_path / "out", formats=ALL, max_width=50, max_height=50, square=True
    )  # fmt: skip
    assert (done.width, done.height) == (50, 50)
    with Image.open(tmp_path / "out") as shown:
        for corner in ((3, 3), (46, 46)):
            pixel = shown.convert("RGB").getpixel(corner)
            assert isinstance(pixel, tuple)
            assert pixel[2] > 240


def test_a_large_picture_in_few_bytes_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = png_of(10_000, 10_000)
    assert len(bomb) < 50_000
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: pytest.fail("pixels were decoded"))
    assert "40000000" in refused(bomb, tmp_path)
    assert "10000" in refused(png_of(10_001, 1), tmp_path)
    assert "400" in refused(png_of(21, 20), tmp_path, max_pixels=400)


def test_a_frame_that_is_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    data = bytearray(animated(moving(2, CLEAR), "gif", duration=50))
    second = data.rindex(b"\x21\xf9\x04") + 8
    assert data[second : second + 1] == b"\x2c"
    data[second + 5 : second + 9] = struct.pack("<HH", 60_000, 60_000)
    refused(bytes(data), tmp_path)


@pytest.mark.parametrize("kind", ["gif", "png", "webp"])
def test_too_many_frames_or_pixels_of_all_frames_are_refused(kind: str, tmp_path: Path) -> None:
    source = animated(moving(8, CLEAR), kind, duration=50)
    assert "7 frames" in refused(source, tmp_path, max_frames=7)
    assert "too long" in refused(source, tmp_path, max_animation_pixels=8 * 40 * 30 - 1)
    assert reencode(source, tmp_path / "out", formats=ALL, max_frames=8, max_animation_pixels=8 * 40 * 30).animated


def test_a_png_whose_text_blows_up_is_refused_or_dropped(tmp_path: Path) -> None:
    data = png_of(4, 4)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    refused(data[:33] + text + data[33:], tmp_path)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_truncated_picture_is_refused(kind: str, tmp_path: Path) -> None:
    noise = Image.effect_noise((64, 64), 80).convert("RGB")
    data = encoded(noise, kind)
    for end in (0, 4, 10, len(data) // 3, len(data) // 2):
        refused(data[:end], tmp_path)


@pytest.mark.parametrize("kind", ["bmp", "tiff", "ico", "ppm", "pdf", "eps", "tga", "jpeg2000"])
def test_only_named_formats_are_opened(kind: str, tmp_path: Path) -> None:
    assert "gif, jpeg, png, webp" in refused(encoded(Image.new("RGB", (32, 32), "red"), kind), tmp_path)


def test_what_is_no_picture_or_of_a_kind_that_is_not_wanted_is_refused(tmp_path: Path) -> None:
    refused(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", tmp_path)
    refused(b"<html>", tmp_path)
    gif = encoded(Image.new("P", (4, 4)), "gif")
    with pytest.raises(BadPicture, match="jpeg, png"):
        reencode(gif, tmp_path / "out", formats=["png", "jpg", "svg"])
    with pytest.raises(BadPicture):
        reencode(gif, tmp_path / "out", formats=[])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").write_bytes(b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        reencode(encoded(Image.new("RGB", (4, 4)), "png"), tmp_path / "out", formats=ALL)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"out": b"old"}


WHOLE = [
    encoded(Image.new("RGB", (9, 7), "red"), "png"),
    encoded(Image.new("RGB", (9, 7), "red"), "jpeg"),
    encoded(Image.new("RGB", (9, 7), "red"), "webp"),
    animated(moving(3, CLEAR), "gif", duration=50),
    animated(moving(3, CLEAR), "png", duration=50),
    animated(moving(3, CLEAR), "webp", duration=50),
]


def written_or_bad(data: bytes, folder: Path) -> None:
    with suppress(BadPicture):
        reencode(data, folder / "out", formats=ALL, max_width=100, max_height=100)


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=300), start=st.sampled_from([b"", *(whole[:12] for whole in WHOLE)]))
def test_random_bytes_are_a_bad_picture(data: bytes, start: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    written_or_bad(start + data, tmp_path_factory.getbasetemp())


@settings(deadline=None, max_examples=300)
@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6),
    end=st.integers(0, 5000),
)
def test_broken_pictures_are_written_or_bad(
    whole: bytes, changes: list[tuple[int, bytes]], end: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(whole)
    for place, change in changes:
        place %= len(data)
        data[place : place + len(change)] = change
    written_or_bad(bytes(data[: end or None]), tmp_path_factory.getbasetemp())


def test_a_picture_that_grows_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    data = encoded(Image.new("RGB", (64, 64)), "PNG")
    whole = reencode(data, tmp_path / "out", formats=ALL, png_compression=0)
    grown = whole.path.stat().st_size
    assert grown > len(data)
    whole.path.unlink()
    assert "bytes" in refused(data, tmp_path, png_compression=0, max_bytes=grown - 1)
    assert reencode(data, tmp_path / "out", formats=ALL, png_compression=0, max_bytes=grown).path.exists()
