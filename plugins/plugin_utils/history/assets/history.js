// Copyright (c) 2026, The fleetops.tetra authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const ink = dark ? "#a3b0be" : "#52606f", line = dark ? "#303c48" : "#dbe1e7";
  const strokes = dark
    ? ["#4fc78c", "#ff8085", "#e5b44a", "#8d9aa8", "#8abaf5", "#d59bf6", "#6fd3d8", "#f0a46b"]
    : ["#1d7a4c", "#b8262f", "#8a5a00", "#66727f", "#17579f", "#7a3fa8", "#10767b", "#a8541b"];
  const axis = { stroke: ink, grid: { stroke: line }, ticks: { stroke: line } };
  document.querySelectorAll("[data-chart]").forEach((place) => {
    const chart = data.charts[Number(place.dataset.chart)];
    const series = chart.lines.map((one, index) => ({
      label: one.name, stroke: strokes[index % strokes.length], width: 2, points: { show: data.times.length < 60 },
      dash: index >= strokes.length ? [6, 4] : undefined,
    }));
    const size = () => ({ width: Math.max(260, place.clientWidth), height: 260 });
    const plot = new uPlot({ ...size(), series: [{ label: "Run" }, ...series], axes: [axis, { ...axis, size: 60 }],
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high)] } } },
      [data.times, ...chart.lines.map((one) => one.values)], place);
    new ResizeObserver(() => plot.setSize(size())).observe(place);
  });
})();
