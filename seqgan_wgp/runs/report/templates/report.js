"use strict";
(() => {
  const data = document.getElementById("frames");
  if (data === null) return;
  const { steps, lines, pictures } = JSON.parse(data.textContent);
  const slider = document.getElementById("step");
  const at = document.getElementById("at");
  const play = document.getElementById("play");
  const milliseconds = 350;
  let timer = null;

  function show(place) {
    const round = `round ${steps[place].toLocaleString("en")}`;
    at.textContent = round;
    slider.setAttribute("aria-valuetext", round);
    if (pictures) {
      document.getElementById("picture").src = pictures[place];
      return;
    }
    document.getElementById("lines").replaceChildren(
      ...lines[place].map((line) => {
        // Never as markup, and with its direction to itself: lines are data.
        const item = document.createElement("li");
        item.appendChild(document.createElement("bdi")).textContent = line;
        return item;
      }),
    );
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "\u25b6";
    play.setAttribute("aria-label", "Play the training");
  }

  function advance() {
    if (slider.valueAsNumber >= steps.length - 1) return stop();
    slider.valueAsNumber += 1;
    show(slider.valueAsNumber);
  }

  function start() {
    if (slider.valueAsNumber >= steps.length - 1) slider.valueAsNumber = 0;
    show(slider.valueAsNumber);
    play.textContent = "\u25a0";
    play.setAttribute("aria-label", "Stop");
    timer = setInterval(advance, milliseconds);
  }

  slider.addEventListener("input", () => {
    stop();
    show(slider.valueAsNumber);
  });
  play.addEventListener("click", () => (timer === null ? start() : stop()));
  slider.parentElement.hidden = steps.length < 2;
  slider.valueAsNumber = steps.length - 1; // a browser that reloads a page keeps where a slider was
  show(steps.length - 1);
})();
