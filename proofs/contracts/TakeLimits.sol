// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISlasher} from "./ISlasher.sol";

/// @title TakeLimits: how much may be taken at most, whatever was proven
/// @notice Every limit lowers the amount, none makes a proof fail.
abstract contract TakeLimits {
    uint256 internal constant PPM = 1_000_000;
    /// @notice No proof takes more than this share of a stake, in ppm, whatever the parameters say.
    uint256 public constant MAX_TAKE_PPM = 100_000;
    /// @notice Share of a node's stake at its first conviction of a round that all its convictions of that round may take, in ppm.
    uint256 public constant ROUND_CAP_PPM = 50_000;

    /// @notice The same for any seven rounds that follow each other; the weekly bound of what a wrong proof can cost.
    uint256 public constant WINDOW_CAP_PPM = 100_000;
    uint256 private constant WINDOW_ROUNDS = 7;
    /// @dev Bits of one round's share; ROUND_CAP_PPM fits.
    uint256 private constant SHARE_BITS = 16;

    /// @dev One slot. Amounts in 10^-18 tokens: 2^96 are 79 billion tokens.
    struct NodeTakes {
        /// @dev round of the last take.
        uint32 round;
        /// @dev stake at the first take of that round.
        uint96 snapshot;
        /// @dev ppm taken in that round (lowest 16 bits) and the six before it.
        uint112 shares;
    }

    /// @dev One slot.
    struct DayTake {
        uint64 day;
        uint192 taken;
    }

    /// @notice Most that all convictions of one day (UTC, chain time) may take, 10^-18 tokens.
    uint128 public dailyCap;
    /// @notice Below this nothing is taken: a dust stake is not worth the gas, 10^-18 tokens.
    uint128 public minimumTake;
    mapping(address slasher => mapping(address transcoder => NodeTakes)) public nodeTakes;
    DayTake public dayTake;

    /// @dev Never zero, so that no day begins with a fresh slot.
    constructor() {
        dayTake.day = uint64(block.timestamp / 1 days);
    }

    /// @dev Takes `ppm` of the stake, or what the limits leave of it. Callers guard against re-entry.
    function _takeWithin(
        ISlasher slasher,
        address transcoder,
        uint256 ppm,
        uint256 round
    ) internal returns (uint256 taken) {
        uint256 stake = _min(slasher.stakeOf(transcoder), type(uint96).max);
        NodeTakes memory own = nodeTakes[address(slasher)][transcoder];
        if (own.round != round) {
            // A clock of rounds that went back would be an error elsewhere; then all that is remembered is dropped.
            uint256 passed = round > own.round ? _min(round - own.round, WINDOW_ROUNDS) : WINDOW_ROUNDS;
            own.shares = uint112(uint256(own.shares) << (passed * SHARE_BITS));
            own.round = uint32(round);
            own.snapshot = uint96(stake);
        }
        DayTake memory ofDay = dayTake;
        uint64 today = uint64(block.timestamp / 1 days);
        if (ofDay.day != today) ofDay = DayTake({day: today, taken: 0});
        uint256 want = _min((stake * _min(ppm, MAX_TAKE_PPM)) / PPM, (own.snapshot * _sharesLeft(own.shares)) / PPM);
        want = _min(want, _minus(dailyCap, ofDay.taken));
        if (want == 0 || want < minimumTake) return 0;
        taken = _min(slasher.take(transcoder, want), want);
        if (taken == 0) return 0;
        // Rounded up, so that many small takes cannot pass the cap.
        own.shares += uint112(_min((taken * PPM + own.snapshot - 1) / own.snapshot, _sharesLeft(own.shares)));
        nodeTakes[address(slasher)][transcoder] = own;
        ofDay.taken += uint192(taken);
        dayTake = ofDay;
    }

    /// @dev What the caps of one round and of seven leave, in ppm of the snapshot.
    function _sharesLeft(uint256 shares) private pure returns (uint256) {
        uint256 ofRound = shares & type(uint16).max;
        uint256 sum = ofRound;
        for (uint256 i = 1; i < WINDOW_ROUNDS; i++) {
            shares >>= SHARE_BITS;
            sum += shares & type(uint16).max;
        }
        return _min(_minus(ROUND_CAP_PPM, ofRound), _minus(WINDOW_CAP_PPM, sum));
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    function _minus(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a - b : 0;
    }
}
