/** Edges of a state diagram, collected while machines are explored. */
export class Diagram {
  readonly #edges = new Map<string, Set<string>>()

  /** A step of the machine; one that stays where it was is not drawn. */
  add(from: string, to: string, label: string): void {
    if (from === to) return
    const edge = `${from} --> ${to}`
    const labels = this.#edges.get(edge) ?? new Set()
    this.#edges.set(edge, labels.add(label))
  }

  /** As Mermaid draws it; the same machine gives the same text. */
  toString(): string {
    const lines = [...this.#edges].map(([edge, labels]) => `    ${edge}: ${[...labels].sort().join(', ')}`)
    return ['```mermaid', 'stateDiagram-v2', ...lines.sort(), '```'].join('\n')
  }
}
