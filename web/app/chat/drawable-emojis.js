// Which emojis this device can draw: its fonts lag behind the newest, which would be holes in a list.
const NEWER = /[\u{1F6D8}-\u{1F6DF}\u{1FA70}-\u{1FAFF}]/u; // blocks that still grow
const FONT = '16px "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", "Twemoji Mozilla", sans-serif';
const CELL = 32;
const KNOWN = "😀";

/** The rows of emojis.json without those. All of them where no emoji has colors, as then none can be told from a box. */
export function drawable(rows) {
  const asked = [KNOWN, ...rows.map(([emoji]) => emoji).filter((emoji) => NEWER.test(emoji))];
  const canvas = document.createElement("canvas");
  canvas.width = CELL;
  canvas.height = CELL * asked.length;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.font = FONT;
  pen.textBaseline = "middle";
  pen.fillStyle = "#f00"; // also of the box that stands for what a font lacks; colors of its own are not only red
  const most = pen.measureText(KNOWN).width * 1.5; // a sequence that is not known is drawn in its parts
  const narrow = asked.map((emoji, at) => {
    pen.fillText(emoji, 2, CELL * (at + 0.5));
    return pen.measureText(emoji).width <= most;
  });
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const colored = (at) => {
    const end = (at + 1) * CELL * CELL * 4;
    for (let pixel = at * CELL * CELL * 4; pixel < end; pixel += 4) if (data[pixel + 1] || data[pixel + 2]) return true;
    return false;
  };
  if (!colored(0)) return rows;
  const missing = new Set(asked.filter((_, at) => !narrow[at] || !colored(at)));
  return rows.filter(([emoji]) => !missing.has(emoji));
}
