// Two pictures in one frame, divided by a slider: a range input over the whole frame, so that keyboard, touch and
// screen readers work as they do for any slider.

import { element } from "./options.js";

export function compare(before, after) {
  const bottom = element("img", { src: before, alt: "Before", className: "before" });
  const top = element("img", { src: after, alt: "After", className: "after" });
  const slider = element("input", { type: "range", min: 0, max: 100, step: 0.5, value: 50 });
  slider.setAttribute("aria-label", "Divides before (left) from after (right)");
  const frame = element(
    "div", { className: "frame" }, bottom, top, slider,
    element("span", { className: "edge" }),
    element("span", { className: "side left", textContent: "Before" }),
    element("span", { className: "side right", textContent: "After" }),
  );
  const root = element("div", { className: "compare" }, frame);
  const divide = () => {
    frame.style.setProperty("--split", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${Math.round(100 - slider.value)} % after`);
  };
  slider.addEventListener("input", divide);
  divide();
  // The frame has the result's shape and, at actual pixels, its size.
  top.addEventListener("load", () => {
    frame.style.aspectRatio = `${top.naturalWidth} / ${top.naturalHeight}`;
    frame.style.setProperty("--width", `${top.naturalWidth}px`);
    frame.style.setProperty("--fit", `calc(78vh * ${top.naturalWidth / top.naturalHeight})`);
  });
  // A format that the browser does not show (TIFF) still has a result to look at.
  bottom.addEventListener("error", () => {
    slider.value = 0;
    divide();
    bottom.hidden = slider.hidden = true;
    frame.querySelectorAll("span").forEach((part) => (part.hidden = true));
  });
  return root;
}
