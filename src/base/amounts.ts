/** Wei of anything with 18 decimals as an exact decimal number: `25 LPT`, `0.5 ETH`. */
export function exact(wei: bigint, unit: string): string {
  const digits = wei.toString().padStart(19, '0')
  const fraction = digits.slice(-18).replace(/0+$/, '')
  return `${digits.slice(0, -18)}${fraction ? `.${fraction}` : ''} ${unit}`
}
