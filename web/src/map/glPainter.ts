// The scene in WebGL 2: links, then dots of junctions, then signs. Nothing is drawn twice and nothing is asked of the GPU that
// software WebGL is slow at: no instances, no samples per pixel (edges are softened by the fragments), no depth.
import { UNKNOWN, rgb } from "./colours";
import { type Camera, seen } from "./frame";
import { COARSE, linkBytes, nodeBytes, nodeWidths, runsIn, STRIDE } from "./mesh";
import { Picture } from "./picture";
import { Program } from "./program";
import { LEAST_WIDTH, type Scene } from "./scene";
import { CELL, drawSheet, inkOf, type Sheet } from "./signs";

const HEAD = `#version 300 es
precision highp float;
`;
const COLOUR = `
uniform sampler2D u_colours;
uniform vec3 u_unknown[2];
uniform vec4 u_plain;
in float v_value;
out vec4 colour;
vec3 colourOf(float value) {
  if (value < 254.5) return texelFetch(u_colours, ivec2(int(value + 0.5), 0), 0).rgb;
  // No estimate: hatched in two tones, at a slope that streets seldom have.
  return mod(gl_FragCoord.x * 0.83 + gl_FragCoord.y * 0.47, 8.0) < 4.0 ? u_unknown[0] : u_unknown[1];
}
`;
const LINK_VERTEX = `${HEAD}
uniform vec2 u_middle, u_scale, u_pixel;
uniform vec3 u_width; // least, growth, more
layout(location = 0) in vec2 a_at;
layout(location = 1) in vec2 a_normal;
layout(location = 2) in float a_width;
layout(location = 3) in float a_value;
out float v_value;
out float v_side;
out float v_half;
void main() {
  float half_width = 0.5 * max(u_width.x, a_width * u_width.y) + u_width.z;
  float side = (gl_VertexID & 1) == 0 ? 1.0 : -1.0;
  v_half = half_width;
  v_side = side * (half_width + 0.5);
  v_value = a_value;
  gl_Position = vec4((a_at - u_middle) * u_scale + a_normal * (half_width + 0.5) * u_pixel, 0.0, 1.0);
}`;
const LINK_FRAGMENT = `${HEAD}${COLOUR}
in float v_side;
in float v_half;
void main() {
  float cover = clamp(v_half + 0.5 - abs(v_side), 0.0, 1.0);
  vec3 shade = u_plain.a > 0.0 ? u_plain.rgb : colourOf(v_value);
  colour = vec4(shade, 1.0) * cover;
}`;
const DOT_VERTEX = `${HEAD}
uniform vec2 u_middle, u_scale;
uniform vec3 u_width;
uniform float u_ratio;
layout(location = 0) in vec2 a_at;
layout(location = 2) in float a_width;
layout(location = 3) in float a_value;
out float v_value;
out float v_size;
void main() {
  v_value = a_value;
  v_size = (max(u_width.x, a_width * u_width.y) + u_width.z) * u_ratio + 1.0;
  gl_Position = vec4((a_at - u_middle) * u_scale, 0.0, 1.0);
  gl_PointSize = v_size;
}`;
const DOT_FRAGMENT = `${HEAD}${COLOUR}
in float v_size;
void main() {
  float cover = clamp(0.5 * v_size - length(gl_PointCoord - 0.5) * v_size, 0.0, 1.0);
  colour = vec4(colourOf(v_value), 1.0) * cover;
}`;
const SIGN_VERTEX = `${HEAD}
uniform vec2 u_middle, u_scale, u_pixel;
layout(location = 0) in vec2 a_at;
layout(location = 1) in vec2 a_offset;
layout(location = 2) in vec2 a_sheet;
out vec2 v_sheet;
void main() {
  v_sheet = a_sheet;
  gl_Position = vec4((a_at - u_middle) * u_scale + a_offset * u_pixel, 0.0, 1.0);
}`;
const SIGN_FRAGMENT = `${HEAD}
uniform sampler2D u_sheet;
in vec2 v_sheet;
out vec4 colour;
void main() { colour = texture(u_sheet, v_sheet); }`;

const SIGN_FLOATS = 6;

export class GlPainter {
  private readonly programs: Record<"link" | "dot" | "sign", Program>;
  private readonly shapes: Record<"link" | "dot" | "sign", WebGLVertexArrayObject>;
  private readonly buffers: Record<"linkValues" | "dotValues" | "signs" | "signIndices", WebGLBuffer>;
  private readonly indices: Record<"near" | "far", WebGLBuffer>;
  private readonly textures: Record<"colours" | "sheet", WebGLTexture>;
  private readonly linkValues: Uint8Array;
  private sheet: Sheet | null = null;
  private readonly done = { paint: 0, look: 0, ratio: 0 };
  private readonly picture: Picture;
  private lastKey = "";

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly scene: Scene,
  ) {
    this.programs = {
      link: new Program(gl, LINK_VERTEX, LINK_FRAGMENT),
      dot: new Program(gl, DOT_VERTEX, DOT_FRAGMENT),
      sign: new Program(gl, SIGN_VERTEX, SIGN_FRAGMENT),
    };
    this.shapes = { link: gl.createVertexArray(), dot: gl.createVertexArray(), sign: gl.createVertexArray() };
    this.buffers = { linkValues: gl.createBuffer(), dotValues: gl.createBuffer(), signs: gl.createBuffer(), signIndices: gl.createBuffer() };
    this.textures = { colours: gl.createTexture(), sheet: gl.createTexture() };
    this.picture = new Picture(gl);
    this.linkValues = new Uint8Array(scene.mesh.vertexCount);
    this.indices = this.shapeLinks();
    this.shapeDots();
    this.shapeSigns();
    gl.bindVertexArray(null);
  }

  /** Draws a frame into what is bound; blending is to be on, for colours that are multiplied by their alpha. */
  draw(camera: Camera, pixelRatio: number): void {
    const { gl, scene } = this;
    if (this.done.paint !== scene.changes.paint) this.uploadPaint();
    if (this.done.look !== scene.changes.look || this.done.ratio !== pixelRatio) this.uploadSheet(pixelRatio);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.CULL_FACE);
    this.drawNetwork(camera, pixelRatio);
    this.drawSigns(camera);
    gl.bindVertexArray(null);
  }

  /** Where only the middle has moved since the last frame, out of a picture; else anew. */
  private drawNetwork(camera: Camera, pixelRatio: number): void {
    const { changes } = this.scene;
    const key = [camera.scale, camera.width, camera.height, pixelRatio, changes.network].join(" ");
    const moves = key === this.lastKey;
    this.lastKey = key;
    const draw = (by: Camera) => {
      this.drawLinks(by, pixelRatio);
      if (this.scene.dotted(by)) this.drawDots(by, pixelRatio);
    };
    const shown = moves && (this.picture.shows(camera, key) || this.picture.take(camera, pixelRatio, key, draw));
    if (shown) this.picture.show(camera, pixelRatio);
    else draw(camera);
  }

  destroy(): void {
    const { gl } = this;
    this.picture.destroy();
    for (const program of Object.values(this.programs)) program.destroy();
    for (const shape of Object.values(this.shapes)) gl.deleteVertexArray(shape);
    for (const buffer of [...Object.values(this.buffers), ...this.fixed]) gl.deleteBuffer(buffer);
    for (const texture of Object.values(this.textures)) gl.deleteTexture(texture);
  }

  /** Buffers that are filled once. */
  private readonly fixed: WebGLBuffer[] = [];

  private fill(target: number, data: AllowSharedBufferSource): WebGLBuffer {
    const buffer = this.gl.createBuffer();
    this.fixed.push(buffer);
    this.gl.bindBuffer(target, buffer);
    this.gl.bufferData(target, data, this.gl.STATIC_DRAW);
    return buffer;
  }

  private attribute(place: number, size: number, type: number, normalized: boolean, stride: number, offset: number): void {
    this.gl.enableVertexAttribArray(place);
    this.gl.vertexAttribPointer(place, size, type, normalized, stride, offset);
  }

  private shapeLinks(): Record<"near" | "far", WebGLBuffer> {
    const { gl } = this;
    gl.bindVertexArray(this.shapes.link);
    this.fill(gl.ARRAY_BUFFER, this.scene.mesh.vertices);
    this.attribute(0, 2, gl.FLOAT, false, STRIDE, 0);
    this.attribute(1, 2, gl.SHORT, true, STRIDE, 8);
    this.attribute(2, 1, gl.UNSIGNED_SHORT, false, STRIDE, 12);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.linkValues);
    this.attribute(3, 1, gl.UNSIGNED_BYTE, false, 0, 0);
    return { near: this.fill(gl.ELEMENT_ARRAY_BUFFER, this.scene.mesh.near), far: this.fill(gl.ELEMENT_ARRAY_BUFFER, this.scene.mesh.far) };
  }

  private shapeDots(): void {
    const { gl } = this;
    const { geometry, frame } = this.scene;
    const widths = nodeWidths(geometry);
    const vertices = new Float32Array(3 * geometry.nodeCount);
    for (let node = 0; node < geometry.nodeCount; node++) {
      const [x, y] = [geometry.nodes[2 * node]!, geometry.nodes[2 * node + 1]!];
      const known = Number.isFinite(x) && Number.isFinite(y);
      // What has no coordinates is put far outside of any view.
      vertices.set(known ? [(x - frame.x) / frame.size, (y - frame.y) / frame.size, widths[node]!] : [9, 9, 0], 3 * node);
    }
    gl.bindVertexArray(this.shapes.dot);
    this.fill(gl.ARRAY_BUFFER, vertices);
    this.attribute(0, 2, gl.FLOAT, false, 12, 0);
    this.attribute(2, 1, gl.FLOAT, false, 12, 8);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.dotValues);
    this.attribute(3, 1, gl.UNSIGNED_BYTE, false, 0, 0);
  }

  private shapeSigns(): void {
    const { gl } = this;
    gl.bindVertexArray(this.shapes.sign);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.signs);
    for (const place of [0, 1, 2]) this.attribute(place, 2, gl.FLOAT, false, 4 * SIGN_FLOATS, 8 * place);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.signIndices);
  }

  private uploadPaint(): void {
    const { gl, scene } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.linkValues);
    gl.bufferData(gl.ARRAY_BUFFER, linkBytes(scene.mesh, scene.geometry, scene.paint, this.linkValues), gl.DYNAMIC_DRAW);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.dotValues);
    gl.bufferData(gl.ARRAY_BUFFER, nodeBytes(scene.geometry, scene.paint), gl.DYNAMIC_DRAW);
    this.upload("colours", () =>
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, scene.paint.colours),
    );
    this.done.paint = scene.changes.paint;
  }

  private uploadSheet(pixelRatio: number): void {
    const { gl } = this;
    const sheet = drawSheet(this.scene.dark, pixelRatio);
    this.sheet = sheet;
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
    this.upload("sheet", () => gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, sheet.canvas));
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    this.done.look = this.scene.changes.look;
    this.done.ratio = pixelRatio;
  }

  private upload(name: "colours" | "sheet", load: () => void): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.textures[name]);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    if (name === "colours") gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    load();
    const filter = name === "colours" ? gl.NEAREST : gl.LINEAR;
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }

  private use(name: "link" | "dot" | "sign", camera: Camera, texture: "colours" | "sheet"): Program {
    const { gl } = this;
    const program = this.programs[name];
    program.use();
    gl.bindVertexArray(this.shapes[name]);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.textures[texture]);
    gl.uniform2f(program.at("u_middle"), camera.x, camera.y);
    gl.uniform2f(program.at("u_scale"), (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    gl.uniform2f(program.at("u_pixel"), 2 / camera.width, 2 / camera.height);
    return program;
  }

  private useColours(name: "link" | "dot", camera: Camera, pixelRatio: number): Program {
    const { gl } = this;
    const program = this.use(name, camera, "colours");
    const tones = UNKNOWN[this.scene.dark ? "dark" : "light"].flatMap((tone) => rgb(tone).map((channel) => channel / 255));
    gl.uniform3fv(program.at("u_unknown"), tones);
    gl.uniform4f(program.at("u_plain"), 0, 0, 0, 0);
    gl.uniform1f(program.at("u_ratio"), pixelRatio);
    return program;
  }

  private drawLinks(camera: Camera, pixelRatio: number): void {
    const { gl, scene } = this;
    const { mesh, chosen } = scene;
    const program = this.useColours("link", camera, pixelRatio);
    // Normals come halved (see mesh.ts).
    gl.uniform2f(program.at("u_pixel"), 4 / camera.width, 4 / camera.height);
    const growth = scene.growth(camera) / 256;
    if (chosen?.sort === "link") {
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices.near);
      const [from, count] = [mesh.indexFrom[chosen.index]!, 6 * Math.max(0, mesh.points[chosen.index]! - 1)];
      const [line, casing] = [inkOf(scene.dark).line, inkOf(scene.dark).casing].map((tone) => rgb(tone).map((channel) => channel / 255));
      for (const [more, tone] of [[5.5, line], [3, casing]] as const) {
        gl.uniform3f(program.at("u_width"), LEAST_WIDTH, growth, more);
        gl.uniform4f(program.at("u_plain"), tone![0]!, tone![1]!, tone![2]!, 1);
        gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 4 * from);
      }
      gl.uniform4f(program.at("u_plain"), 0, 0, 0, 0);
    }
    gl.uniform3f(program.at("u_width"), LEAST_WIDTH, growth, 0);
    const indices = camera.scale <= COARSE ? "far" : "near";
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices[indices]);
    for (const [from, to] of runsIn(mesh.tiles, seen(camera, 30), indices)) gl.drawElements(gl.TRIANGLES, to - from, gl.UNSIGNED_INT, 4 * from);
  }

  private drawDots(camera: Camera, pixelRatio: number): void {
    const { gl, scene } = this;
    const program = this.useColours("dot", camera, pixelRatio);
    // Junctions of a quantity at nodes stand out a little; else they only round the corners where pipes meet.
    gl.uniform3f(program.at("u_width"), LEAST_WIDTH, scene.growth(camera), scene.paint.sort === "node" ? 2 : 0);
    gl.drawArrays(gl.POINTS, 0, scene.geometry.nodeCount);
  }

  private drawSigns(camera: Camera): void {
    const { gl, scene, sheet } = this;
    const signs = scene.signs(camera);
    if (signs.length === 0 || !sheet) return;
    const vertices = new Float32Array(4 * SIGN_FLOATS * signs.length);
    const indices = new Uint32Array(6 * signs.length);
    signs.forEach((sign, i) => {
      const { left, top, size } = sheet.cell(sign.name);
      const half = (sign.size * CELL) / 2;
      CORNERS.forEach(([right, up], corner) => {
        const [offsetX, offsetY] = [half * (right * sign.dx - up * sign.dy), half * (right * sign.dy + up * sign.dx)];
        const u = (left + (size * (right + 1)) / 2) / sheet.canvas.width;
        const v = (top + (size * (1 - up)) / 2) / sheet.canvas.height;
        vertices.set([sign.x, sign.y, sign.aside + offsetX, sign.aside + offsetY, u, v], SIGN_FLOATS * (4 * i + corner));
      });
      indices.set([0, 1, 2, 2, 1, 3].map((corner) => 4 * i + corner), 6 * i);
    });
    this.use("sign", camera, "sheet");
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.signs);
    gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.STREAM_DRAW);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STREAM_DRAW);
    gl.drawElements(gl.TRIANGLES, indices.length, gl.UNSIGNED_INT, 0);
  }
}

const CORNERS = [[-1, -1], [1, -1], [-1, 1], [1, 1]] as const;
