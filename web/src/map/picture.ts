// What was drawn, kept as a picture a little larger than the screen, so that a move only copies it: without it each frame of a move
// draws the whole network anew, which software WebGL feels. It is made when the first move shows that there is a need for it.
import type { Camera } from "./frame";
import { Program } from "./program";

/** CSS pixels that the picture reaches beyond each edge of the screen. */
const MARGIN = 200;

const VERTEX = `#version 300 es
void main() {
  // One triangle over the whole screen.
  gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
uniform highp sampler2D u_picture;
uniform ivec2 u_shift;
out vec4 colour;
void main() { colour = texelFetch(u_picture, ivec2(gl_FragCoord.xy) + u_shift, 0); }`;

export class Picture {
  private readonly program: Program;
  private readonly texture: WebGLTexture;
  private readonly buffer: WebGLFramebuffer;
  private readonly nothing: WebGLVertexArrayObject;
  private readonly largest: number;
  private size = [0, 0];
  private held: { readonly key: string; readonly camera: Camera } | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.program = new Program(gl, VERTEX, FRAGMENT);
    this.texture = gl.createTexture();
    this.buffer = gl.createFramebuffer();
    this.nothing = gl.createVertexArray();
    this.largest = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
  }

  /** Whether the picture shows all that a camera sees; `key` names all else on which it depends. */
  shows(camera: Camera, key: string): boolean {
    const { held } = this;
    if (held?.key !== key) return false;
    const off = (a: number, b: number) => Math.abs(a - b) * camera.scale;
    return Math.max(off(held.camera.x, camera.x), off(held.camera.y, camera.y)) <= MARGIN - 1;
  }

  /** Has the network drawn into the picture; false where the screen is too large for one. */
  take(camera: Camera, ratio: number, key: string, draw: (wider: Camera) => void): boolean {
    const { gl } = this;
    const [beyond, width, height] = [Math.round(MARGIN * ratio), gl.drawingBufferWidth, gl.drawingBufferHeight];
    const size = [width + 2 * beyond, height + 2 * beyond] as const;
    if (Math.max(...size) > this.largest) return false;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.buffer);
    if (size[0] !== this.size[0] || size[1] !== this.size[1]) this.resize(...size);
    gl.viewport(0, 0, ...size);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    draw({ ...camera, width: size[0] / ratio, height: size[1] / ratio });
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, width, height);
    this.held = { key, camera };
    return true;
  }

  /** Copies the picture to where a camera sees it; to whole pixels, so that it stays sharp. */
  show(camera: Camera, ratio: number): void {
    const { gl, held } = this;
    if (!held) return;
    const beyond = Math.round(MARGIN * ratio);
    const shift = (now: number, then: number) => beyond + Math.round((now - then) * camera.scale * ratio);
    this.program.use();
    gl.bindVertexArray(this.nothing);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.uniform2i(this.program.at("u_shift"), shift(camera.x, held.camera.x), shift(camera.y, held.camera.y));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  destroy(): void {
    this.program.destroy();
    this.gl.deleteTexture(this.texture);
    this.gl.deleteFramebuffer(this.buffer);
    this.gl.deleteVertexArray(this.nothing);
  }

  private resize(width: number, height: number): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
    this.size = [width, height];
  }
}
