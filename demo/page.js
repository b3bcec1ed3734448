// The slider is a plain range input, so arrow keys, Home and End move it too.
document.addEventListener("input", (event) => {
  const slider = event.target.closest(".slide")?.querySelector(".slider");
  if (slider) slider.style.setProperty("--at", `${event.target.value}%`);
});
