// A vertex and a fragment shader, compiled and linked; uniforms are looked up once.

export class Program {
  private readonly program: WebGLProgram;
  private readonly uniforms = new Map<string, WebGLUniformLocation | null>();

  constructor(
    private readonly gl: WebGL2RenderingContext,
    vertex: string,
    fragment: string,
  ) {
    this.program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) {
      const shader = gl.createShader(type)!;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS) && !gl.isContextLost()) {
      const logs = (gl.getAttachedShaders(this.program) ?? []).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error(`the map's shaders do not compile here: ${[gl.getProgramInfoLog(this.program), ...logs].join(" ")}`);
    }
    for (const shader of gl.getAttachedShaders(this.program) ?? []) gl.deleteShader(shader);
  }

  use(): void {
    this.gl.useProgram(this.program);
  }

  at(name: string): WebGLUniformLocation | null {
    const known = this.uniforms.get(name);
    if (known !== undefined) return known;
    const location = this.gl.getUniformLocation(this.program, name);
    this.uniforms.set(name, location);
    return location;
  }

  destroy(): void {
    this.gl.deleteProgram(this.program);
  }
}
