// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {SecurityDeposit} from "contracts/SecurityDeposit.sol";
import {TestToken} from "contracts/TestToken.sol";
import {Base} from "./Base.sol";
import {Handler} from "./Handler.sol";

/// @title What must hold whatever anybody does, in whatever order
contract InvariantsTest is Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler internal handler;
    TestToken internal token;
    FishermanRegistry internal registry;
    SecurityDeposit internal deposit;
    FishermanVerifier internal verifier;

    function setUp() public {
        handler = new Handler();
        handler.start();
        (address t, address r, address d, address v) = handler.world();
        (token, registry, deposit, verifier) = (TestToken(t), FishermanRegistry(r), SecurityDeposit(d), FishermanVerifier(v));
    }

    /// @dev Every campaign looks at the rules of single steps too.
    modifier held() {
        isTrue(bytes(handler.broken()).length == 0, handler.broken());
        _;
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        bytes4[29] memory all = [
            handler.wait.selector,
            handler.wait.selector,
            handler.registers.selector,
            handler.asksToLeave.selector,
            handler.leavesRegistry.selector,
            handler.fines.selector,
            handler.addsDeposit.selector,
            handler.thaws.selector,
            handler.leavesDeposit.selector,
            handler.stealsDeposit.selector,
            handler.announces.selector,
            handler.appliesChange.selector,
            handler.pauses.selector,
            handler.donates.selector,
            handler.proves.selector,
            handler.opens.selector,
            handler.opensAgain.selector,
            handler.answers.selector,
            handler.convictsByVotes.selector,
            handler.convictsByVotes.selector,
            handler.expires.selector,
            handler.dismisses.selector,
            handler.judges.selector,
            handler.filesAppeal.selector,
            handler.penalises.selector,
            handler.anchors.selector,
            handler.marksSilent.selector,
            handler.settles.selector,
            handler.appeals.selector
        ];
        list = new FuzzSelector[](1);
        list[0].addr = address(handler);
        list[0].selectors = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; i++) list[0].selectors[i] = all[i];
    }

    function invariant_no_step_broke_a_rule() external view held {}

    function invariant_tokens_are_neither_made_nor_lost() external view held {
        eq(token.totalSupply(), handler.mintedSum(), "supply");
        uint256 kept = token.balanceOf(address(registry)) + token.balanceOf(address(deposit));
        eq(kept + token.balanceOf(address(verifier)) + handler.pockets(), handler.mintedSum(), "everybody's");
    }

    function invariant_the_verifier_holds_bonds_and_escrow_exactly() external view held {
        uint256 owed = handler.bondsTaken() - handler.bondsReturned() + handler.heldNow();
        owed += handler.appealBondsHeld() + handler.donated();
        eq(token.balanceOf(address(verifier)), owed, "balance");
        uint256 bonds;
        uint256 escrow;
        for (uint256 i = 0; i < handler.faultCount(); i++) {
            (bytes32 id, ) = handler.faultAt(i);
            FishermanVerifier.Case memory c = verifier.caseOf(id);
            if (isRunning(c.state)) bonds += handler.bondOf(id);
            if (c.state == FishermanVerifier.CaseState.Convicted) escrow += c.amount;
            (, uint96 appealBond) = verifier.appeals(id);
            bonds += appealBond;
        }
        eq(bonds + escrow + handler.donated(), owed, "ledger");
    }

    function invariant_the_registry_holds_all_bonds() external view held {
        FishermanRegistry.Member[] memory list = registry.members();
        uint256 sum;
        for (uint256 i = 0; i < list.length; i++) {
            (uint128 bond, , ) = handler.accountOf(list[i].member);
            sum += bond;
        }
        eq(token.balanceOf(address(registry)), sum, "bonds");
    }

    function invariant_total_weight_is_the_sum_of_active_weights() external view held {
        FishermanRegistry.Member[] memory list = registry.members();
        uint256 sum;
        for (uint256 i = 0; i < list.length; i++) sum += registry.activeWeightOf(list[i].member);
        eq(registry.totalWeight(), sum, "weight");
    }

    function invariant_the_deposit_holds_all_deposits() external view held {
        uint256 sum;
        for (uint256 i = 0; i < handler.nodeCount(); i++) {
            (uint128 amount, uint128 thawing, , ) = deposit.accounts(handler.nodeOf(i));
            atMost(thawing, amount, "thawing");
            sum += amount;
        }
        eq(token.balanceOf(address(deposit)), sum, "deposits");
    }

    function invariant_stake_moves_by_its_owner_or_a_conviction_only() external view held {
        for (uint256 i = 0; i < handler.nodeCount(); i++) {
            uint256 expected = handler.putIn(i) - handler.tookOut(i) - handler.takenFrom(i);
            eq(deposit.stakeOf(handler.nodeOf(i)), expected, "stake");
        }
    }

    function invariant_a_deposit_is_frozen_while_cases_are_open() external view held {
        for (uint256 i = 0; i < handler.nodeCount(); i++) {
            uint256 open;
            for (uint256 j = 0; j < handler.faultCount(); j++) {
                (bytes32 id, uint256 ofNode) = handler.faultAt(j);
                FishermanVerifier.CaseState state = verifier.caseOf(id).state;
                if (ofNode == i && isRunning(state)) open++;
            }
            (, , , uint32 freezes) = deposit.accounts(handler.nodeOf(i));
            eq(freezes, open, "freezes");
            isTrue(deposit.isFrozen(handler.nodeOf(i)) == (open > 0), "isFrozen");
        }
    }

    function invariant_a_fault_convicts_at_most_once() external view held {
        for (uint256 i = 0; i < handler.faultCount(); i++) {
            (bytes32 id, ) = handler.faultAt(i);
            atMost(handler.timesConvicted(id), 1, "times");
        }
    }

    function invariant_finders_get_a_tenth_and_the_treasury_the_rest() external view held {
        atMost(handler.paidToFinders() * 10, handler.settledSum(), "finders");
        eq(handler.paidToFinders() + handler.paidToTreasury(), handler.settledSum(), "all of it");
    }

    function invariant_what_was_taken_is_held_paid_or_refunded() external view held {
        uint256 taken;
        for (uint256 i = 0; i < handler.nodeCount(); i++) taken += handler.takenFrom(i);
        eq(handler.heldNow() + handler.settledSum() + handler.refunded(), taken, "taken");
    }

    function invariant_convictions_are_listed_as_they_stand() external view held {
        uint256 listed;
        for (uint256 i = 0; i < handler.nodeCount(); i++) {
            bytes32[] memory list = verifier.convictionsOf(handler.nodeOf(i), 0);
            listed += list.length;
            for (uint256 j = 0; j < list.length; j++) {
                isTrue(verifier.isConvicted(list[j]), "listed and not convicted");
                eq(verifier.caseOf(list[j]).transcoder, handler.nodeOf(i), "of another node");
            }
        }
        uint256 standing;
        for (uint256 i = 0; i < handler.faultCount(); i++) {
            (bytes32 id, ) = handler.faultAt(i);
            if (verifier.isConvicted(id)) standing++;
        }
        eq(listed, standing, "all of them");
    }

    function invariant_only_convictions_have_open_appeals() external view held {
        for (uint256 i = 0; i < handler.faultCount(); i++) {
            (bytes32 id, ) = handler.faultAt(i);
            (address appellant, uint96 bond) = verifier.appeals(id);
            bool convicted = verifier.caseOf(id).state == FishermanVerifier.CaseState.Convicted;
            isTrue(convicted || (appellant == address(0) && bond == 0), "an appeal outlived its case");
        }
    }

    function isRunning(FishermanVerifier.CaseState state) internal pure returns (bool) {
        return state == FishermanVerifier.CaseState.Open || state == FishermanVerifier.CaseState.Answered;
    }
}
